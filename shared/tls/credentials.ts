import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect } from 'node:tls';
import { CallCredentials, ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import { LockstepError } from '../errors/lockstep-error.ts';
import type { Role, TlsFiles } from './identity.ts';
import { TlsMaterialFiles, whyUnusable } from './material.ts';
import { identityOf } from './peer.ts';

/** A peer that accepts the connection and then says nothing is given up after this. */
const HANDSHAKE_TIMEOUT_MS = 5_000;

/** How long a server goes on with rotated files unread, at most. */
export const ROTATION_POLL_MS = 1_000;

/** Who must answer. Without a name, any bearer of the role. */
export interface ExpectedPeer {
  readonly cluster: string;
  readonly role: Role;
  readonly name?: string;
}

/**
 * Credentials of a server that talks only to bearers of a certificate of its CA, and takes up
 * rotated files for new connections within {@link ROTATION_POLL_MS}. Throws CONFIG_INVALID
 * where the files cannot be read.
 */
export function createServerCredentials(files: TlsFiles): ServerCredentials {
  return new RotatingServerCredentials(new TlsMaterialFiles(files));
}

/**
 * Credentials of a client that reads its files anew for each connection and talks only to
 * `expected`, whatever the address it answers on. Throws CONFIG_INVALID where the files cannot
 * be read.
 */
export function createChannelCredentials(files: TlsFiles, expected: ExpectedPeer): ChannelCredentials {
  return new RotatingChannelCredentials(new TlsMaterialFiles(files), expected);
}

type Watcher = Parameters<ServerCredentials['_addWatcher']>[0];

/**
 * grpc-js 1.14.7's own rotating credentials pass the two certificate providers to each other's
 * place, so the small part of them that is needed is here. The underscored methods are the
 * seam that grpc-js itself builds on; its version is pinned and the tests hold the behaviour.
 */
class RotatingServerCredentials extends ServerCredentials {
  readonly #files: TlsMaterialFiles;
  #poll: NodeJS.Timeout | undefined;

  constructor(files: TlsMaterialFiles) {
    const { options } = files.current();
    super(
      { requestCert: true, rejectUnauthorized: true, handshakeTimeout: HANDSHAKE_TIMEOUT_MS, ...options },
      options,
    );
    this.#files = files;
  }

  override _addWatcher(watcher: Watcher): void {
    super._addWatcher(watcher);
    let served = this.#files.current();
    this.#poll ??= setInterval(() => {
      const now = this.#files.current();
      if (now === served) return;
      served = now;
      this.updateSecureContextOptions(now.options);
    }, ROTATION_POLL_MS).unref();
  }

  override _removeWatcher(watcher: Watcher): void {
    super._removeWatcher(watcher);
    if (this.getWatcherCount() > 0) return;
    clearInterval(this.#poll);
    this.#poll = undefined;
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

type SecureConnector = ReturnType<ChannelCredentials['_createSecureConnector']>;

class RotatingChannelCredentials extends ChannelCredentials {
  readonly #files: TlsMaterialFiles;
  readonly #expected: ExpectedPeer;

  constructor(files: TlsMaterialFiles, expected: ExpectedPeer) {
    super();
    this.#files = files;
    this.#expected = expected;
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(): SecureConnector {
    return {
      connect: async (socket) => ({
        socket: await handshake(socket, this.#files, this.#expected),
        secure: true,
      }),
      waitForReady: async () => {},
      getCallCredentials: () => CallCredentials.createEmpty(),
      destroy: () => {},
    };
  }
}

/**
 * No server name is sent: nodes are reached by IP address, which TLS does not allow as one, and
 * who answers is proven by the name in the certificate.
 *
 * Rejects with an error whose words begin with the code, because gRPC keeps nothing but the words.
 */
async function handshake(socket: Socket, files: TlsMaterialFiles, expected: ExpectedPeer): Promise<Socket> {
  const material = files.current();
  const unusable = whyUnusable(material, Date.now());
  if (unusable !== undefined) throw worded(unusable);
  return await new Promise((resolve, reject) => {
    const secured = connect({
      socket,
      secureContext: material.context,
      ALPNProtocols: ['h2'],
      rejectUnauthorized: true,
      checkServerIdentity: (_host, certificate) => checkPeer(new X509Certificate(certificate.raw), expected),
    });
    const timer = setTimeout(() => {
      secured.destroy(new LockstepError('UNREACHABLE', { message: 'The TLS handshake did not end.' }));
    }, HANDSHAKE_TIMEOUT_MS);
    secured.once('secureConnect', () => {
      clearTimeout(timer);
      resolve(secured);
    });
    // Stays for the life of the socket: an alert of the server arrives after our side is done.
    secured.on('error', (error) => {
      clearTimeout(timer);
      reject(worded(error));
    });
  });
}

/** OpenSSL's verdicts on the other side's certificate, as Node names them. */
const VERIFICATION_CODE =
  /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|INVALID_CA|INVALID_PURPOSE|ERR_TLS_CERT)/;

function worded(error: Error): Error {
  const verdict =
    'code' in error && VERIFICATION_CODE.test(String(error.code)) ? 'NOT_AUTHENTICATED' : undefined;
  const code = error instanceof LockstepError ? error.code : verdict;
  return code === undefined ? error : new Error(`${code}: ${error.message}`, { cause: error });
}

/** Why the certificate is not that of `expected`; `undefined` if it is. */
export function checkPeer(certificate: X509Certificate, expected: ExpectedPeer): Error | undefined {
  const identity = identityOf(certificate);
  const wanted = `the ${expected.role}${expected.name === undefined ? '' : ` ${expected.name}`} of cluster ${expected.cluster}`;
  if (identity === undefined) {
    return new LockstepError('NOT_AUTHENTICATED', {
      message: `The answering certificate carries no Lockstep name; expected ${wanted}.`,
    });
  }
  const agrees =
    identity.cluster === expected.cluster &&
    identity.role === expected.role &&
    (expected.name === undefined || identity.name === expected.name);
  if (agrees) return undefined;
  return new LockstepError('NOT_AUTHENTICATED', {
    message: `The ${identity.role} ${identity.name} of cluster ${identity.cluster} answered; expected ${wanted}.`,
  });
}

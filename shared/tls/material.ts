import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { LockstepError } from '../errors/lockstep-error.ts';
import type { TlsFiles } from './identity.ts';
import { isCurrent } from './peer.ts';

/** TLS 1.3 alone: both ends are ours. */
const MIN_VERSION = 'TLSv1.3';

/** Extended key usage id-kp-clientAuth: every identity of Lockstep's also calls others. */
const CLIENT_USAGE = '1.3.6.1.5.5.7.3.2';

export interface TlsMaterial {
  readonly files: TlsFiles;
  readonly options: SecureContextOptions & { readonly ca: Buffer; readonly cert: Buffer };
  readonly context: SecureContext;
}

/**
 * The files of one identity as they are on disk now. A rotation writes three files one after
 * another, so a set that cannot be read or does not belong together leaves the last good one
 * in force; the next look takes the new one once it is whole.
 */
export class TlsMaterialFiles {
  readonly #files: TlsFiles;
  #stamp: string;
  #material: TlsMaterial;

  /** Throws CONFIG_INVALID where there is no good set to begin with. */
  constructor(files: TlsFiles) {
    this.#files = files;
    this.#stamp = stampOf(files) ?? '';
    this.#material = readMaterial(files);
  }

  current(): TlsMaterial {
    const stamp = stampOf(this.#files);
    if (stamp === undefined || stamp === this.#stamp) return this.#material;
    try {
      this.#material = readMaterial(this.#files);
      this.#stamp = stamp;
    } catch {
      // Half of a rotation: the stamp stays behind, so the next look tries again.
    }
    return this.#material;
  }
}

/** Inode, size and time of each file, links followed; `undefined` while one is missing. */
function stampOf(files: TlsFiles): string | undefined {
  const stamps: string[] = [];
  for (const path of [files.caFile, files.certFile, files.keyFile]) {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    stamps.push(`${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}`);
  }
  return stamps.join(' ');
}

function readMaterial(files: TlsFiles): TlsMaterial {
  const options = {
    ca: readTlsFile(files.caFile, 'CA certificate'),
    cert: readTlsFile(files.certFile, 'certificate'),
    key: readTlsFile(files.keyFile, 'private key'),
    minVersion: MIN_VERSION,
  } satisfies SecureContextOptions;
  try {
    return { files, options, context: createSecureContext(options) };
  } catch (cause) {
    throw new LockstepError('CONFIG_INVALID', {
      message: `The certificate ${files.certFile} and the key ${files.keyFile} are not readable or do not belong together.`,
      cause,
    });
  }
}

function readTlsFile(path: string, what: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new LockstepError('CONFIG_INVALID', { message: `The ${what} ${path} cannot be read.`, cause });
  }
}

/**
 * Why no server of this CA would take the certificate. A server that refuses one drops the
 * connection without a word, so what can be known beforehand is said here.
 */
export function whyUnusable({ files, options }: TlsMaterial, nowMs: number): LockstepError | undefined {
  const chain = certificatesIn(options.cert);
  const leaf = chain[0];
  if (leaf === undefined) return undefined;
  if (!isCurrent(leaf, nowMs)) {
    return new LockstepError('NOT_AUTHENTICATED', {
      message: `The certificate ${files.certFile} is valid from ${leaf.validFrom} to ${leaf.validTo}, not now.`,
    });
  }
  if (leaf.keyUsage !== undefined && !leaf.keyUsage.includes(CLIENT_USAGE)) {
    return new LockstepError('NOT_AUTHENTICATED', {
      message: `The certificate ${files.certFile} is not one for TLS.`,
    });
  }
  const issued =
    chain.length > 1 ||
    certificatesIn(options.ca).some((ca) => leaf.checkIssued(ca) && leaf.verify(ca.publicKey));
  if (issued) return undefined;
  return new LockstepError('NOT_AUTHENTICATED', {
    message: `The certificate ${files.certFile} was not issued by the CA ${files.caFile}.`,
  });
}

/** Every certificate of a PEM file. */
export function certificatesIn(pem: Buffer): X509Certificate[] {
  const blocks =
    pem.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

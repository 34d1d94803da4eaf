import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { LockstepError } from '../errors/lockstep-error.ts';
import type { TlsFiles } from './identity.ts';
import { subjectAltNames } from './peer.ts';

/** A NATS server. To Lockstep's own servers it is nobody: its name is of another scheme. */
export interface NatsServerIdentity {
  readonly role: 'nats';
  readonly cluster: string;
  readonly name: string;
}

const SCHEME = 'lockstep-nats://';

export function natsServerUri({ cluster, name }: NatsServerIdentity): string {
  return `${SCHEME}${cluster}/${name}`;
}

/** As the npm package `nats` takes them: what it does not know of it hands on to `tls.connect`. */
export interface NatsTlsOptions {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly checkServerIdentity: (host: string, certificate: PeerCertificate) => Error | undefined;
}

/**
 * TLS for a link to NATS. The package does not tell Node which IP address it dialled, so a check
 * of the address would always fail; and an agent's certificate must not do for a NATS server.
 * Who answers is proven by the name in the certificate, as everywhere.
 */
export function natsTlsOptions({ caFile, certFile, keyFile }: TlsFiles): NatsTlsOptions {
  return {
    caFile,
    certFile,
    keyFile,
    checkServerIdentity: (_host, certificate) => checkNatsServer(new X509Certificate(certificate.raw)),
  };
}

function checkNatsServer(certificate: X509Certificate): Error | undefined {
  const names = subjectAltNames(certificate.subjectAltName ?? '');
  if (names.some(({ type, value }) => type === 'URI' && value.startsWith(SCHEME))) return undefined;
  return new LockstepError('NOT_AUTHENTICATED', {
    message: `What answered as NATS is ${certificate.subjectAltName ?? 'nameless'}, no NATS server.`,
  });
}

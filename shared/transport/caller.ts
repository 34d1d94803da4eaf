import { X509Certificate } from 'node:crypto';
import { LockstepError } from '../errors/lockstep-error.ts';
import type { Identity } from '../tls/identity.ts';
import { identityOf, isCurrent } from '../tls/peer.ts';

interface AuthenticatedCall {
  getAuthContext(): { sslPeerCertificate?: { raw: Buffer } } | null;
}

/**
 * Who calls, from the certificate that TLS verified against the CA. Expiry is looked at on each
 * call because a connection may outlive the certificate it was made with. Throws
 * NOT_AUTHENTICATED.
 */
export function callerOf(call: AuthenticatedCall): Identity {
  const raw = call.getAuthContext()?.sslPeerCertificate?.raw;
  if (raw === undefined) {
    throw new LockstepError('NOT_AUTHENTICATED', { message: 'The call came without a certificate.' });
  }
  const certificate = new X509Certificate(raw);
  if (!isCurrent(certificate, Date.now())) {
    throw new LockstepError('NOT_AUTHENTICATED', {
      message: `The caller’s certificate is valid from ${certificate.validFrom} to ${certificate.validTo}, not now.`,
    });
  }
  const identity = identityOf(certificate);
  if (identity === undefined) {
    throw new LockstepError('NOT_AUTHENTICATED', {
      message: 'The caller’s certificate carries no Lockstep name.',
    });
  }
  return identity;
}

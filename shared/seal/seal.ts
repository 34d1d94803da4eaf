import { createPublicKey, type KeyObject, sign, verify, X509Certificate } from 'node:crypto';
import type { Seal } from '../generated/lockstep/v1/snapshot.ts';
import { type Identity, identityUri } from '../tls/identity.ts';
import { identityOf } from '../tls/peer.ts';
import { canonicalJson } from './canonical.ts';

/**
 * Extended key usage of a signing certificate, id-kp-documentSigning (RFC 9336), and its only one:
 * TLS refuses it as a peer's, and what TLS takes as a peer's is refused here.
 */
export const SIGNING_USAGE = '1.3.6.1.5.5.7.3.36';

/** What a seal is of: a signature given for one thing is never one for another. */
export type SealPurpose = 'snapshot-card' | 'stored-copy' | 'revocation' | 'evidence';

/** One of Lockstep's own programs, able to sign. */
export interface SigningIdentity {
  readonly identity: Identity;
  readonly certificate: X509Certificate;
  /** Ed25519. */
  readonly privateKey: KeyObject;
}

/** Whom to believe: the CA of each cluster by the cluster's name. */
export interface Authority {
  readonly cluster: string;
  readonly certificates: readonly X509Certificate[];
}

/** Why a seal does not count. */
export interface SealFault {
  readonly code: 'CARD_SEAL_INVALID' | 'SIGNER_UNTRUSTED';
  readonly message: string;
}

export interface SealedBy {
  readonly identity: Identity;
  readonly signedMs: number;
}

/** A countersignature covers the first one, so that neither can be had without the other's bytes. */
export function makeSeal(
  purpose: SealPurpose,
  content: unknown,
  signer: SigningIdentity,
  nowMs: number,
  countersigned?: Seal,
): Seal {
  const named = identityUri(signer.identity);
  const signedAt = new Date(nowMs).toISOString();
  const text = signedText(purpose, content, named, signedAt, countersigned);
  return {
    signer: named,
    signedAt,
    certificate: signer.certificate.raw,
    signature: sign(null, Buffer.from(text), signer.privateKey),
  };
}

/**
 * Who signed this content and when; or why nobody did. Takes nothing that the seal says on its
 * word. Never throws.
 */
export function checkSeal(
  purpose: SealPurpose,
  content: unknown,
  seal: Seal,
  authority: Authority,
  countersigned?: Seal,
): SealedBy | SealFault {
  try {
    return check(purpose, content, seal, authority, countersigned);
  } catch {
    // A certificate may be read and yet hold a key, or a curve, that OpenSSL makes nothing of.
    return invalid(`the certificate of ${quoted(seal.signer)} is damaged, or what was sealed is no JSON`);
  }
}

function check(
  purpose: SealPurpose,
  content: unknown,
  seal: Seal,
  authority: Authority,
  countersigned: Seal | undefined,
): SealedBy | SealFault {
  const certificate = parseCertificate(seal.certificate);
  if (certificate === undefined) return invalid(`the certificate of ${quoted(seal.signer)} cannot be read`);
  const identity = identityOf(certificate);
  if (identity === undefined || identityUri(identity) !== seal.signer) {
    return untrusted(`the certificate of ${quoted(seal.signer)} is not in that name`);
  }
  const named = identityUri(identity);
  if (identity.cluster !== authority.cluster || identity.role === 'operator') {
    return untrusted(`${named} seals nothing of cluster ${authority.cluster}`);
  }
  if (!isForSigning(certificate)) return untrusted(`the certificate of ${named} is not one for signing`);
  const signedMs = Date.parse(seal.signedAt);
  if (Number.isNaN(signedMs) || new Date(signedMs).toISOString() !== seal.signedAt) {
    return invalid(`the seal of ${named} names no time`);
  }
  const issuer = authority.certificates.find(
    (each) => each.ca && certificate.checkIssued(each) && certificate.verify(each.publicKey),
  );
  if (issuer === undefined) {
    return untrusted(`the certificate of ${named} was not issued by the CA of ${authority.cluster}`);
  }
  const late = [certificate, issuer].find((each) => !isValidAt(each, signedMs));
  if (late !== undefined) {
    return untrusted(
      `${named} signed at ${seal.signedAt}; the certificate is valid from ${late.validFrom} to ${late.validTo}`,
    );
  }
  const text = signedText(purpose, content, named, seal.signedAt, countersigned);
  if (!verify(null, Buffer.from(text), certificate.publicKey, seal.signature)) {
    return invalid(`the signature of ${named} is not of this content`);
  }
  return { identity, signedMs };
}

export function isFault(checked: SealedBy | SealFault): checked is SealFault {
  return 'code' in checked;
}

/** For signing and nothing else, with a key that signs. */
export function isForSigning(certificate: X509Certificate): boolean {
  const usages = certificate.keyUsage ?? [];
  return (
    usages.length === 1 &&
    usages[0] === SIGNING_USAGE &&
    !certificate.ca &&
    certificate.publicKey.asymmetricKeyType === 'ed25519'
  );
}

/** Whether the key is the certificate's. */
export function belongsTo(privateKey: KeyObject, certificate: X509Certificate): boolean {
  return createPublicKey(privateKey).equals(certificate.publicKey);
}

function signedText(
  purpose: SealPurpose,
  content: unknown,
  signer: string,
  signedAt: string,
  countersigned: Seal | undefined,
): string {
  const first =
    countersigned === undefined
      ? {}
      : { countersigns: Buffer.from(countersigned.signature).toString('base64') };
  return canonicalJson({ lockstep: purpose, signer, signedAt, content, ...first });
}

function parseCertificate(der: Uint8Array): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(der);
    // The parser takes PEM too, and stops where the DER ends; what is beyond is nobody's.
    return certificate.raw.equals(der) ? certificate : undefined;
  } catch {
    return undefined;
  }
}

/** At the time of signing, not now: what was good then stays good. */
function isValidAt(certificate: X509Certificate, ms: number): boolean {
  return certificate.validFromDate.getTime() <= ms && ms <= certificate.validToDate.getTime();
}

function invalid(message: string): SealFault {
  return { code: 'CARD_SEAL_INVALID', message };
}

function untrusted(message: string): SealFault {
  return { code: 'SIGNER_UNTRUSTED', message };
}

/** A name from outside, bounded, for a message. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}

import { createPublicKey, X509Certificate } from 'node:crypto';

import { sha256Hex } from '@lockstep/shared/digest.ts';

const PEM_BLOCK = /-----BEGIN (?<kind>[A-Z0-9 ]+)-----[\s\S]+?-----END \k<kind>-----/gu;

/** SHA-256 over the DER of the first certificate of a bundle. Throws where there is none. */
export function certificateFingerprint(pem: Buffer): string {
  return sha256Hex(new X509Certificate(pem).raw);
}

/**
 * SHA-256 over the public part (SPKI, DER) of each key in a file: public keys, private ones or
 * certificates, as kube-apiserver takes them. Sorted: their order means nothing.
 */
export function publicKeyFingerprints(pem: Buffer): string[] {
  const blocks = [...pem.toString('utf8').matchAll(PEM_BLOCK)];
  const keys = blocks
    .filter((block) => block.groups?.['kind'] !== 'EC PARAMETERS')
    .map(([text]) => createPublicKey(text).export({ type: 'spki', format: 'der' }));
  return [...new Set(keys.map((key) => sha256Hex(key)))].sort();
}

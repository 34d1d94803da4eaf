import { createHash, generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';

import { certificateFingerprint, publicKeyFingerprints } from './fingerprints.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = (key: typeof rsa.publicKey): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');

test('a private key has the fingerprint of its public half', () => {
  const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
  const privatePem = rsa.privateKey.export({ type: 'pkcs1', format: 'pem' });
  expect(publicKeyFingerprints(Buffer.from(publicPem))).toEqual([spki(rsa.publicKey)]);
  expect(publicKeyFingerprints(Buffer.from(privatePem))).toEqual([spki(rsa.publicKey)]);
});

test('all keys of a file count, their order does not', () => {
  const pems = [rsa, ec].map(({ publicKey }) => publicKey.export({ type: 'spki', format: 'pem' }).toString());
  const forwards = publicKeyFingerprints(Buffer.from(pems.join('\n')));
  expect(forwards).toEqual(publicKeyFingerprints(Buffer.from(pems.toReversed().join('\n'))));
  expect(forwards).toHaveLength(2);
});

test('what is no certificate has no fingerprint', () => {
  expect(() => certificateFingerprint(Buffer.from('nothing'))).toThrow(/PEM|certificate|ASN|wrong/iu);
  expect(publicKeyFingerprints(Buffer.from('nothing'))).toEqual([]);
});

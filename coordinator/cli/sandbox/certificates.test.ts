import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import { makeCertificates } from './certificates.ts';

const NOW_MS = Date.parse('2026-11-23T03:00:00Z');

it('a server of 127.0.0.1 and one client, signed by a CA that nobody has the key of', async () => {
  const made = await makeCertificates({ user: 'sandbox-reader', group: '' }, NOW_MS);
  const ca = new X509Certificate(made.ca);
  const server = new X509Certificate(made.server.certificate);
  const client = new X509Certificate(made.client.certificate);
  expect(server.verify(ca.publicKey) && client.verify(ca.publicKey)).toBe(true);
  expect(server.subjectAltName).toBe('IP Address:127.0.0.1');
  expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  expect(client.subject).toBe('CN=sandbox-reader');
  expect(client.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  expect(client.checkPrivateKey(createPrivateKey(made.client.key))).toBe(true);
  const own = createPublicKey(made.serviceAccountKey).export({ type: 'spki', format: 'pem' });
  expect(own).not.toBe(server.publicKey.export({ type: 'spki', format: 'pem' }));
  expect(Object.keys(made).sort()).toEqual(['ca', 'client', 'insider', 'server', 'serviceAccountKey']);
});

it('every run has others', async () => {
  const [one, other] = [
    await makeCertificates({ user: 'u', group: 'g' }, NOW_MS),
    await makeCertificates({ user: 'u', group: 'g' }, NOW_MS),
  ];
  expect(new X509Certificate(one.client.certificate).subject).toBe('O=g\nCN=u');
  expect(new X509Certificate(other.client.certificate).verify(new X509Certificate(one.ca).publicKey)).toBe(
    false,
  );
});

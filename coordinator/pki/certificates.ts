// @peculiar/x509 resolves its parts by dependency injection, which wants this polyfill first.
import 'reflect-metadata';
import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { SIGNING_USAGE } from '@lockstep/shared/seal/seal.ts';
import { type Identity, identityUri } from '@lockstep/shared/tls/identity.ts';
import { type NatsServerIdentity, natsServerUri } from '@lockstep/shared/tls/nats-server.ts';
import * as x509 from '@peculiar/x509';

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' } as const;
/** Of the keys that seal cards. */
const SEALING_ALGORITHM = { name: 'Ed25519' } as const;

/** PEM: a certificate and its PKCS #8 key. The key is a secret. */
export interface KeyPair {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** From when until when, as a certificate says it: whole seconds. */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface LeafRequest {
  readonly bearer: Identity | NatsServerIdentity;
  /** IP addresses and DNS names without port, for tools that check them; Lockstep goes by the identity. */
  readonly hosts: readonly string[];
  /** An agent also calls other agents; an operator serves nothing; who signs does nothing else. */
  readonly usages: readonly ('server' | 'client')[] | readonly ['signing'];
  readonly validity: Validity;
}

/** A new P-256 key, PKCS #8 PEM. */
export async function generatePrivateKeyPem(): Promise<string> {
  const { privateKey } = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  return pem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', privateKey));
}

/** A new Ed25519 key, PKCS #8 PEM. */
export async function generateSigningKeyPem(): Promise<string> {
  const { privateKey } = (await webcrypto.subtle.generateKey(SEALING_ALGORITHM, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  return pem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', privateKey));
}

/** The self-signed certificate of a cluster's CA, which signs leaves and nothing below them. */
export async function selfSign(cluster: string, privateKeyPem: string, validity: Validity): Promise<string> {
  const keys = await importKeys(privateKeyPem);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ O: ['lockstep'] }, { CN: [`${cluster} CA`] }],
    serialNumber: serialNumber(),
    keys,
    signingAlgorithm: SIGNING_ALGORITHM,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

/** The certificate of `privateKeyPem`'s public half, with the identity in a URI name. */
export async function signLeaf(
  authority: KeyPair,
  privateKeyPem: string,
  request: LeafRequest,
): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificatePem);
  const signer = await importKeys(authority.privateKeyPem);
  const publicKey = await importPublicKey(privateKeyPem);
  const { bearer } = request;
  const certificate = await x509.X509CertificateGenerator.create({
    issuer: issuer.subjectName.toJSON(),
    subject: [{ O: ['lockstep'] }, { OU: [bearer.role] }, { CN: [bearer.name] }],
    serialNumber: serialNumber(),
    publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: SIGNING_ALGORITHM,
    ...request.validity,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(request.usages.map((usage) => USAGES[usage])),
      new x509.SubjectAlternativeNameExtension([
        { type: 'url' as const, value: bearer.role === 'nats' ? natsServerUri(bearer) : identityUri(bearer) },
        ...request.hosts.map((host) => ({
          type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const),
          value: host,
        })),
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(signer.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

const USAGES = {
  server: x509.ExtendedKeyUsage.serverAuth,
  client: x509.ExtendedKeyUsage.clientAuth,
  signing: SIGNING_USAGE,
} as const;

/** The public half of either kind of key. */
async function importPublicKey(privateKeyPem: string): Promise<webcrypto.CryptoKey> {
  const key = createPublicKey(createPrivateKey(privateKeyPem));
  const spki = key.export({ type: 'spki', format: 'der' });
  const algorithm = key.asymmetricKeyType === 'ed25519' ? SEALING_ALGORITHM : KEY_ALGORITHM;
  return webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']);
}

async function importKeys(privateKeyPem: string): Promise<webcrypto.CryptoKeyPair> {
  const key = createPrivateKey(privateKeyPem);
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, KEY_ALGORITHM, true, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', spki, KEY_ALGORITHM, true, ['verify']),
  };
}

/** Positive and 127 bits wide, so that its DER needs no padding byte. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function pem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

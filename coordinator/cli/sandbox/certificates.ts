// @peculiar/x509 resolves its parts by dependency injection, which wants this polyfill first.
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' } as const;
/** Longer than anybody sits before a sandbox. */
const LIFETIME_MS = 7 * 24 * 3_600_000;
/** Two clocks on one host are one clock; a step of it is forgiven. */
const BACKDATED_MS = 3_600_000;

/** The group that may do everything, whatever the authorization. */
export const MASTERS = 'system:masters';

/** PEM: a certificate and its PKCS #8 key. */
export interface PemPair {
  readonly certificate: string;
  readonly key: string;
}

/** What an API server of loopback and its one client show each other. Of one run, and of no cluster. */
export interface SandboxCertificates {
  readonly ca: string;
  readonly server: PemPair;
  readonly client: PemPair;
  /** For what is asked and joined from here: it may do everything, and is written to no file. */
  readonly insider: PemPair;
  /** Signs service accounts' tokens; nobody else's server takes them, and this one takes nobody else's. */
  readonly serviceAccountKey: string;
}

export interface ClientName {
  readonly user: string;
  /** Empty for none. */
  readonly group: string;
}

const CLIENT = [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])];

/** The CA's own key is in no file: nothing more is ever signed with it. */
export async function makeCertificates(
  { user, group }: ClientName,
  nowMs: number,
): Promise<SandboxCertificates> {
  const validity = {
    notBefore: new Date(nowMs - BACKDATED_MS),
    notAfter: new Date(nowMs + LIFETIME_MS),
  };
  const authority = await newKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['lockstep sandbox CA'] }],
    serialNumber: serialNumber(),
    keys: authority,
    signingAlgorithm: SIGNING_ALGORITHM,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  const sign = async (subject: x509.JsonName, extensions: readonly x509.Extension[]): Promise<PemPair> => {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      issuer: ca.subjectName.toJSON(),
      subject,
      serialNumber: serialNumber(),
      publicKey: keys.publicKey,
      signingKey: authority.privateKey,
      signingAlgorithm: SIGNING_ALGORITHM,
      ...validity,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        ...extensions,
        await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
      ],
    });
    return { certificate: `${certificate.toString('pem')}\n`, key: await pemOf(keys) };
  };
  return {
    ca: `${ca.toString('pem')}\n`,
    server: await sign(
      [{ CN: ['lockstep sandbox'] }],
      [
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]),
      ],
    ),
    client: await sign([...(group === '' ? [] : [{ O: [group] }]), { CN: [user] }], CLIENT),
    insider: await sign([{ O: [MASTERS] }, { CN: ['lockstep'] }], CLIENT),
    serviceAccountKey: await pemOf(await newKeys()),
  };
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
}

async function pemOf({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey));
  const lines = der.toString('base64').match(/.{1,64}/gu) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

/** Positive and 127 bits wide, so that its DER needs no padding byte. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  generatePrivateKeyPem,
  generateSigningKeyPem,
  type KeyPair,
  selfSign,
  signLeaf,
  type Validity,
} from '@lockstep/coordinator/pki/certificates.ts';
import type { Identity, TlsFiles } from '@lockstep/shared/tls/identity.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Certificates of a CA of the test's own, for identities that `lockstep init` would not make. */
export class TestAuthority {
  readonly #directory: string;
  readonly #pair: KeyPair;

  private constructor(directory: string, pair: KeyPair) {
    this.#directory = directory;
    this.#pair = pair;
  }

  static async create(directory: string): Promise<TestAuthority> {
    const privateKeyPem = await generatePrivateKeyPem();
    const certificatePem = await selfSign('test', privateKeyPem, validity());
    return new TestAuthority(directory, { certificatePem, privateKeyPem });
  }

  /** Files of an identity, under `label`; issued again over the same files where they exist. */
  async issue(label: string, bearer: Identity, valid: Validity = validity()): Promise<TlsFiles> {
    const privateKeyPem = await generatePrivateKeyPem();
    const certificatePem = await signLeaf(this.#pair, privateKeyPem, {
      bearer,
      hosts: ['127.0.0.1'],
      usages: ['server', 'client'],
      validity: valid,
    });
    return writeIdentity(
      join(this.#directory, label),
      this.#pair.certificatePem,
      certificatePem,
      privateKeyPem,
    );
  }

  /** What seals cards in this name, in the place of a TLS identity. */
  async issueForSigning(label: string, bearer: Identity): Promise<TlsFiles> {
    const privateKeyPem = await generateSigningKeyPem();
    const certificatePem = await signLeaf(this.#pair, privateKeyPem, {
      bearer,
      hosts: [],
      usages: ['signing'],
      validity: validity(),
    });
    const directory = join(this.#directory, label);
    return writeIdentity(directory, this.#pair.certificatePem, certificatePem, privateKeyPem);
  }

  /** An identity that vouches for itself but trusts this CA. */
  async issueSelfSigned(label: string, cluster: string): Promise<TlsFiles> {
    const privateKeyPem = await generatePrivateKeyPem();
    const certificatePem = await selfSign(cluster, privateKeyPem, validity());
    return writeIdentity(
      join(this.#directory, label),
      this.#pair.certificatePem,
      certificatePem,
      privateKeyPem,
    );
  }

  get certificatePem(): string {
    return this.#pair.certificatePem;
  }
}

export function validity(fromDays = -1, toDays = 1): Validity {
  return {
    notBefore: new Date(Date.now() + fromDays * DAY_MS),
    notAfter: new Date(Date.now() + toDays * DAY_MS),
  };
}

export async function writeIdentity(
  directory: string,
  caPem: string,
  certificatePem: string,
  privateKeyPem: string,
): Promise<TlsFiles> {
  await mkdir(directory, { recursive: true });
  const files = {
    caFile: join(directory, 'ca.crt'),
    certFile: join(directory, 'tls.crt'),
    keyFile: join(directory, 'tls.key'),
  };
  await writeFile(files.caFile, caPem);
  await writeFile(files.keyFile, privateKeyPem, { mode: 0o600 });
  await writeFile(files.certFile, certificatePem);
  return files;
}

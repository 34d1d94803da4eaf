import { createPrivateKey, X509Certificate } from 'node:crypto';
import {
  generatePrivateKeyPem,
  generateSigningKeyPem,
  type KeyPair,
  type LeafRequest,
  selfSign,
  signLeaf,
  type Validity,
} from '@lockstep/coordinator/pki/certificates.ts';
import type { Authority, SigningIdentity } from '@lockstep/shared/seal/seal.ts';
import type { Role } from '@lockstep/shared/tls/identity.ts';

export const NOW_MS = Date.parse('2026-11-22T12:00:00.000Z');
const YEAR_MS = 365 * 24 * 60 * 60_000;
export const VALID: Validity = {
  notBefore: new Date(NOW_MS - YEAR_MS),
  notAfter: new Date(NOW_MS + YEAR_MS),
};

/** A CA as `lockstep init` makes it, and whom it lets sign. */
export class SignerAuthority {
  readonly cluster: string;
  readonly #pair: KeyPair;

  private constructor(cluster: string, pair: KeyPair) {
    this.cluster = cluster;
    this.#pair = pair;
  }

  static async create(cluster: string, validity = VALID): Promise<SignerAuthority> {
    const privateKeyPem = await generatePrivateKeyPem();
    const certificatePem = await selfSign(cluster, privateKeyPem, validity);
    return new SignerAuthority(cluster, { privateKeyPem, certificatePem });
  }

  get authority(): Authority {
    return { cluster: this.cluster, certificates: [new X509Certificate(this.#pair.certificatePem)] };
  }

  async signer(
    role: Role,
    name: string,
    { validity = VALID, usages = ['signing'], ed25519 = true, cluster = this.cluster }: SignerOptions = {},
  ): Promise<SigningIdentity> {
    const identity = { cluster, role, name };
    const privateKeyPem = ed25519 ? await generateSigningKeyPem() : await generatePrivateKeyPem();
    const leaf = { bearer: identity, hosts: [], usages, validity };
    const certificate = new X509Certificate(await signLeaf(this.#pair, privateKeyPem, leaf));
    return { identity, certificate, privateKey: createPrivateKey(privateKeyPem) };
  }
}

interface SignerOptions {
  readonly validity?: Validity;
  readonly usages?: LeafRequest['usages'];
  readonly ed25519?: boolean;
  readonly cluster?: string;
}

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { zstdCompressSync } from 'node:zlib';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { manifestText, sealManifest } from '@lockstep/shared/evidence-archive/judge.ts';
import { type EvidenceManifest, FORMAT } from '@lockstep/shared/evidence-archive/manifest.ts';
import { paddingBytes, tarHeader } from '@lockstep/shared/evidence-archive/tar.ts';
import { writeEnd } from '@lockstep/shared/evidence-archive/write.ts';
import type { SigningIdentity } from '@lockstep/shared/seal/seal.ts';
import { generatePrivateKeyPem, generateSigningKeyPem, selfSign, signLeaf } from '../../pki/certificates.ts';

const YEAR_MS = 365 * 86_400_000;

/** Who may seal in a cluster: its CA as a file holds it, and one agent. */
export interface Sealers {
  readonly caPem: string;
  readonly agent: SigningIdentity;
}

export async function makeSealers(cluster: string, node: string, nowMs: number): Promise<Sealers> {
  const validity = { notBefore: new Date(nowMs - YEAR_MS), notAfter: new Date(nowMs + YEAR_MS) };
  const privateKeyPem = await generatePrivateKeyPem();
  const caPem = await selfSign(cluster, privateKeyPem, validity);
  const keyPem = await generateSigningKeyPem();
  const identity = { cluster, role: 'agent', name: node } as const;
  const request = { bearer: identity, hosts: [], usages: ['signing'], validity } as const;
  const pem = await signLeaf({ certificatePem: caPem, privateKeyPem }, keyPem, request);
  return {
    caPem,
    agent: { identity, certificate: new X509Certificate(pem), privateKey: createPrivateKey(keyPem) },
  };
}

export interface ArchiveOptions {
  readonly cluster: string;
  readonly node: string;
  readonly atMs: number;
  /** Text by name in the archive: "cron/cron.json". */
  readonly files: Readonly<Record<string, string>>;
  readonly manifest?: Partial<EvidenceManifest>;
  /** None: it bears no seal. */
  readonly sealedBy?: SigningIdentity;
}

/** An archive of evidence as an agent writes it. Its digest. */
export async function writeArchive(path: string, options: ArchiveOptions): Promise<string> {
  const { files, sealedBy, atMs } = options;
  const manifest = manifestOf(options);
  const entries = Object.entries(files).map(([name, text]) => {
    const bytes = Buffer.from(text);
    const header = tarHeader({ name, sizeBytes: bytes.length, mtimeSeconds: atMs / 1000 });
    return Buffer.concat([header, bytes, Buffer.alloc(paddingBytes(bytes.length))]);
  });
  const seals = sealedBy === undefined ? [] : [sealManifest(manifest, sealedBy, atMs)];
  const plain = Buffer.concat([...entries, ...writeEnd(manifestText(manifest, seals), atMs)]);
  const packed = zstdCompressSync(plain);
  await writeFile(path, packed, { mode: 0o600 });
  return sha256Hex(packed);
}

function manifestOf({ cluster, node, atMs, files, manifest }: ArchiveOptions): EvidenceManifest {
  const at = new Date(atMs).toISOString();
  return {
    format: FORMAT,
    gatherId: 'e-20261122-111500-7kq2ab',
    cluster,
    node,
    custody: {
      requestedBy: `lockstep://${cluster}/operator/ada`,
      commandedBy: `lockstep://${cluster}/coordinator/bastion`,
      gatheredBy: `lockstep://${cluster}/agent/${node}`,
      reason: 'INC-42',
      operationId: '',
      startedAt: at,
      endedAt: new Date(atMs + 12_000).toISOString(),
      toolVersion: '0.1.0',
    },
    limits: {},
    collectors: [],
    files: Object.entries(files).map(([name, text]) => ({
      name,
      collector: name.split('/')[0] ?? '',
      sizeBytes: Buffer.byteLength(text),
      sha256: sha256Hex(text),
    })),
    notTaken: [],
    notTakenUnlisted: 0,
    ...manifest,
  };
}

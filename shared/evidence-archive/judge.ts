import { refusal } from '../errors/lockstep-error.ts';
import type { Refusal } from '../generated/lockstep/v1/common.ts';
import { Seal } from '../generated/lockstep/v1/snapshot.ts';
import {
  type Authority,
  checkSeal,
  isFault,
  makeSeal,
  type SealedBy,
  type SigningIdentity,
} from '../seal/seal.ts';
import { identityUri } from '../tls/identity.ts';
import type { EvidenceManifest } from './manifest.ts';
import type { ReadArchive } from './read.ts';

/** At most so many files are named where digests do not hold; the others are counted. */
const MAX_NAMED = 20;

/** The manifest as the last entry holds it. `seals`: none where the agent has nothing to sign with. */
export function manifestText(manifest: EvidenceManifest, seals: readonly Seal[]): string {
  return `${JSON.stringify({ manifest, seals: seals.map((seal) => Seal.toJSON(seal)) }, null, 1)}\n`;
}

/** The agent's seal over the manifest, and so over the digest of everything that is in the archive. */
export function sealManifest(manifest: EvidenceManifest, signer: SigningIdentity, nowMs: number): Seal {
  return makeSeal('evidence', manifest, signer, nowMs);
}

export interface ArchiveJudgement {
  /** Empty: every digest holds, and, where an authority was given, so does the seal. */
  readonly refusals: readonly Refusal[];
  readonly sealedBy: SealedBy | undefined;
}

/** Holds what is in the archive against its manifest, and the manifest against its seal. Never throws. */
export function judgeArchive(read: ReadArchive, authority: Authority | undefined): ArchiveJudgement {
  const digests = judgeDigests(read);
  if (authority === undefined) return { refusals: digests, sealedBy: undefined };
  const sealed = judgeSeal(read, authority);
  return 'identity' in sealed
    ? { refusals: digests, sealedBy: sealed }
    : { refusals: [...digests, sealed], sealedBy: undefined };
}

function judgeDigests({ manifest, entries }: ReadArchive): Refusal[] {
  const named = new Map(manifest.files.map((file) => [file.name, file]));
  const wrong = [
    ...manifest.files.flatMap(({ name, sha256, sizeBytes }) => {
      const found = entries.get(name);
      if (found === undefined) return [`${name} is not in it`];
      return found.sha256 === sha256 && found.sizeBytes === sizeBytes
        ? []
        : [`${name} is not the file that was gathered`];
    }),
    ...[...entries.keys()].filter((name) => !named.has(name)).map((name) => `${name} was added to it`),
    ...(named.size === manifest.files.length ? [] : ['its manifest names a file twice']),
  ];
  const more = wrong.length > MAX_NAMED ? [`and ${wrong.length - MAX_NAMED} more`] : [];
  return [...wrong.slice(0, MAX_NAMED), ...more].map((words) => refusal('EVIDENCE_DIGEST_MISMATCH', words));
}

function judgeSeal({ manifest, content, seals }: ReadArchive, authority: Authority): SealedBy | Refusal {
  const [seal] = seals;
  if (seal === undefined) return refusal('EVIDENCE_UNSEALED', 'the archive bears no seal');
  const checked = checkSeal('evidence', content, seal, authority);
  if (isFault(checked)) {
    const code = checked.code === 'CARD_SEAL_INVALID' ? 'EVIDENCE_SEAL_INVALID' : checked.code;
    return refusal(code, checked.message);
  }
  const { identity } = checked;
  // Whoever holds another node's key must not speak for this one.
  if (identity.role !== 'agent' || identity.name !== manifest.node || identity.cluster !== manifest.cluster) {
    const words = `the archive is of ${manifest.node}; it is sealed by ${identityUri(identity)}`;
    return refusal('SIGNER_UNTRUSTED', words);
  }
  return checked;
}

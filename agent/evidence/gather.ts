import { createHash } from 'node:crypto';
import type { Clock } from '@lockstep/shared/clock.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { manifestText } from '@lockstep/shared/evidence-archive/judge.ts';
import { type EvidenceManifest, FORMAT } from '@lockstep/shared/evidence-archive/manifest.ts';
import { writeEnd, writeFile } from '@lockstep/shared/evidence-archive/write.ts';
import { EvidenceArchive } from '@lockstep/shared/generated/lockstep/v1/evidence.ts';
import type { Seal } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { unlessSilent } from '@lockstep/shared/silence.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import { VERSION } from '@lockstep/shared/version.ts';
import { encode } from '../snapshots/encoding.ts';
import { Budget, type EvidenceLimits } from './budget.ts';
import type { Collector, EvidenceSources } from './collector.ts';
import type { Account, TakenFile } from './item.ts';
import { Record } from './record.ts';
import { reasonOf } from './take.ts';

/** A file, or a collector between two items, that stands still for so long is given up. */
const SILENCE_TIMEOUT_MS = 30_000;

export interface GatherRequest {
  readonly gatherId: string;
  readonly requestedBy: string;
  readonly commandedBy: string;
  readonly reason: string;
  readonly operationId: string;
  readonly collectors: readonly Collector[];
  readonly limits: EvidenceLimits;
}

export interface GatherDependencies {
  readonly cluster: string;
  readonly node: string;
  readonly sources: EvidenceSources;
  /** Undefined where this agent has nothing to sign with. */
  readonly seal: (manifest: EvidenceManifest) => Promise<Seal | undefined>;
  readonly clock: Clock;
}

/** What a gathering has come to; told of as it goes. */
export type OnGathered = (collector: string, plainBytes: number) => void;

/**
 * The archive as it is stored, and last what is in it. Nothing on the node is changed, not even an
 * access time. A collector that fails ends itself alone. Throws where the signal aborts.
 */
export async function* gatherEvidence(
  dependencies: GatherDependencies,
  request: GatherRequest,
  onGathered: OnGathered,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, EvidenceArchive, undefined> {
  const record = new Record(request.limits.maxNotTaken);
  const stored = createHash('sha256');
  let sizeBytes = 0;
  let signer = '';
  async function* plain(): AsyncGenerator<Uint8Array, void, undefined> {
    const startedMs = dependencies.clock.nowMs();
    for (const collector of request.collectors) {
      yield* collectOne(dependencies, request, collector, record, onGathered, signal);
    }
    const manifest = manifestOf(dependencies, request, record, startedMs);
    const seal = await dependencies.seal(manifest);
    signer = seal?.signer ?? '';
    const seals = seal === undefined ? [] : [seal];
    yield* writeEnd(manifestText(manifest, seals), dependencies.clock.nowMs());
  }
  for await (const bytes of encode(plain(), [])) {
    stored.update(bytes);
    sizeBytes += bytes.length;
    yield bytes;
  }
  return EvidenceArchive.fromPartial({
    gatherId: request.gatherId,
    node: dependencies.node,
    sha256: stored.digest('hex'),
    sizeBytes: BigInt(sizeBytes),
    files: record.files.length,
    plainSizeBytes: BigInt(record.plainBytes),
    notTaken: record.notTakenCount,
    signer,
    collectors: record.collectors.map(({ name, outcome, files, notTaken, reason, plainSizeBytes }) => ({
      name,
      outcome,
      files,
      notTaken,
      reason,
      plainSizeBytes: BigInt(plainSizeBytes),
    })),
  });
}

async function* collectOne(
  { sources, clock }: GatherDependencies,
  { limits }: GatherRequest,
  collector: Collector,
  record: Record,
  onGathered: OnGathered,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const budget = new Budget(limits, limits.maxBytes - record.plainBytes);
  const until = clock.deadline(limits.maxCollectorMs, signal);
  const part = record.begin(collector.name, clock.nowMs());
  onGathered(collector.name, record.plainBytes);
  try {
    const items = collector.collect({ sources, budget, signal: until });
    const silence = {
      timeoutMs: SILENCE_TIMEOUT_MS,
      clock,
      error: () => new Error(`it stood still for ${SILENCE_TIMEOUT_MS / 1000} s`),
    };
    for await (const item of unlessSilent(items, silence, until)) {
      if (item.is === 'untaken') part.leave(item);
      else if (item.is === 'account') yield* writeAccount(item, part, clock.nowMs());
      else {
        const content = unlessSilent(sources.tree.read(item.seen, item.offsetBytes), silence, until);
        yield* writeTaken(item, part, content);
      }
      onGathered(collector.name, record.plainBytes);
    }
    part.end(clock.nowMs());
  } catch (thrown) {
    // The caller went away, or the whole took too long: then there is nobody to go on for.
    signal.throwIfAborted();
    const why = until.aborted ? `it took more than ${limits.maxCollectorMs / 1000} s` : reasonOf(thrown);
    part.fail(why, clock.nowMs());
  }
}

type Part = ReturnType<Record['begin']>;

async function* writeAccount(
  { name, content }: Account,
  part: Part,
  nowMs: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const plainWords = (_key: string, value: unknown): unknown =>
    typeof value === 'bigint' ? value.toString() : value;
  const bytes = Buffer.from(`${JSON.stringify(content, plainWords, 2)}\n`);
  const entry = { name: part.nameFor(name), sizeBytes: bytes.length, mtimeSeconds: nowMs / 1000 };
  async function* once(): AsyncGenerator<Uint8Array, void, undefined> {
    yield bytes;
  }
  const { sha256 } = yield* writeFile(entry, once());
  part.keep(entry, sha256, undefined);
}

async function* writeTaken(
  { seen, offsetBytes, sizeBytes, leftOut }: TakenFile,
  part: Part,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let failure: unknown;
  // The header has promised so many bytes: where they cannot be read, zeros stand for them, and the
  // manifest says so.
  async function* asFarAsItGoes(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* content;
    } catch (thrown) {
      failure = thrown;
    }
  }
  const entry = {
    name: part.nameFor(seen.path),
    sizeBytes,
    mtimeSeconds: Number(seen.stats.mtimeMs) / 1000,
  };
  const { sha256, shrankAtBytes } = yield* writeFile(entry, asFarAsItGoes());
  part.keep(entry, sha256, { seen, offsetBytes, shrankAtBytes });
  if (leftOut !== '') part.limit(leftOut);
  if (failure !== undefined) {
    throw new LockstepError('EVIDENCE_FAILED', {
      message: `${JSON.stringify(entry.name)} could not be read to its end: ${reasonOf(failure)}.`,
      cause: failure,
    });
  }
}

function manifestOf(
  { cluster, node, clock }: GatherDependencies,
  request: GatherRequest,
  record: Record,
  startedMs: number,
): EvidenceManifest {
  const { gatherId, requestedBy, commandedBy, reason, operationId, limits } = request;
  return {
    format: FORMAT,
    gatherId,
    cluster,
    node,
    custody: {
      requestedBy,
      commandedBy,
      gatheredBy: identityUri({ cluster, role: 'agent', name: node }),
      reason,
      operationId,
      startedAt: new Date(startedMs).toISOString(),
      endedAt: new Date(clock.nowMs()).toISOString(),
      toolVersion: VERSION,
    },
    limits: { ...limits },
    collectors: [...record.collectors],
    files: [...record.files],
    notTaken: [...record.notTaken],
    notTakenUnlisted: record.notTakenCount - record.notTaken.length,
  };
}

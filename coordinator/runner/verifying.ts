import type { Clock } from '@lockstep/shared/clock.ts';
import { type ErrorCode, isErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { LockstepError, refusal, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Failure, Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { SnapshotVerdict } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import {
  Encoding,
  Proof,
  ProofKind,
  ProofLevel,
  type StoredCopy,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import type { Catalogue } from './catalogue.ts';
import type { Copying } from './copying.ts';
import { withDistrust } from './inspected-snapshot.ts';
import type { Agents, Copies } from './ports.ts';
import type { Sealing } from './sealing.ts';
import { findHolders, type Holding, verifyCopies } from './snapshots.ts';

/** A copy of 8 GB, slowly; one that stalls is given up long before. */
const VERIFY_TIMEOUT_MS = 2 * 60 * 60_000;

/** What is found of a copy, not of who was to look. */
const ABOUT_THE_COPY: ReadonlySet<string> = new Set<ErrorCode>([
  'COPY_DAMAGED',
  'COPY_SEAL_INVALID',
  'SNAPSHOT_CARD_MISMATCH',
]);

/** A copy to look into. */
export interface OpenedCopy {
  readonly store: string;
  /** Empty where it is not encrypted. */
  readonly fileKey: Uint8Array;
}

export interface VerifyingSettings {
  readonly agents: Agents;
  readonly copying: Pick<Copying, 'find' | 'check' | 'prove'>;
  readonly copies: Pick<Copies, 'list'>;
  readonly catalogue: Pick<Catalogue, 'mark'>;
  readonly sealing: Pick<Sealing, 'trust'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Reads every copy of a snapshot whole, on agents and in stores, and writes beside each what was found. */
export class Verifying {
  readonly #settings: VerifyingSettings;

  constructor(settings: VerifyingSettings) {
    this.#settings = settings;
  }

  /**
   * What is wrong with a copy is in its verdict; of one in a store what is in it too, where it is
   * `opened`. Throws SNAPSHOT_NOT_FOUND where nobody holds one.
   */
  async verify(
    snapshotId: string,
    opened: OpenedCopy | undefined,
    signal: AbortSignal,
  ): Promise<SnapshotVerdict[]> {
    const { agents, copies, sealing, clock } = this.#settings;
    const until = clock.deadline(VERIFY_TIMEOUT_MS, signal);
    const [holders, stored, trust] = await Promise.all([
      findHolders(agents, snapshotId, until),
      copies.list(until),
      sealing.trust(until),
    ]);
    const kept = stored.copies.map(({ copy }) => copy).filter((copy) => copy.snapshotId === snapshotId);
    if (holders.length === 0 && kept.length === 0) {
      throw new LockstepError('SNAPSHOT_NOT_FOUND', {
        message: `No node and no store that answered holds ${snapshotId}.`,
      });
    }
    const [held, read] = await Promise.all([
      Promise.all(holders.map((holding) => this.#held(holding, snapshotId, until))),
      Promise.all(kept.map((copy) => this.#stored(copy, opened, until))),
    ]);
    return [...withDistrust(held, holders, trust), ...read];
  }

  async #held(holding: Holding, snapshotId: string, signal: AbortSignal): Promise<SnapshotVerdict> {
    const { clock } = this.#settings;
    const [at, beganMs] = [clock.nowMs(), clock.monotonicMs()];
    const [verdict = SnapshotVerdict.create()] = await verifyCopies([holding], snapshotId, signal);
    const objection = verdict.refusals[0];
    // An agent that could not look has found nothing.
    if (objection === undefined || objection.code.startsWith('SNAPSHOT_')) {
      await this.#mark(
        snapshotId,
        verdict.node,
        { at, beganMs, objection, level: ProofLevel.PROOF_LEVEL_READ },
        signal,
      );
    }
    return verdict;
  }

  async #stored(
    { snapshotId, store, encoding }: StoredCopy,
    opened: OpenedCopy | undefined,
    signal: AbortSignal,
  ): Promise<SnapshotVerdict> {
    const { copying, clock } = this.#settings;
    const [at, beganMs] = [clock.nowMs(), clock.monotonicMs()];
    const unpacks = opened?.store === store;
    const level = unpacks ? ProofLevel.PROOF_LEVEL_READ : ProofLevel.PROOF_LEVEL_BYTES;
    try {
      const found = await copying.find(snapshotId, store, signal);
      let note: string;
      if (unpacks) {
        const node = await copying.prove(found, opened.fileKey, signal);
        note = `It was unpacked on ${node}, which kept nothing of it; the snapshot in it is the one of its card.`;
      } else {
        await copying.check(found, () => undefined, signal);
        const isEncrypted = encoding === Encoding.ENCODING_ZSTD_AGE;
        note = `${isEncrypted ? 'It is encrypted: its' : 'Its'} stored bytes were read and are as they were sealed; what is in them was not looked at. ${isEncrypted ? 'Verify it with --identity' : 'Name its store with --store'} to see.`;
      }
      await this.#mark(snapshotId, store, { at, beganMs, objection: undefined, level }, signal);
      return SnapshotVerdict.fromPartial({ node: store, note });
    } catch (thrown) {
      signal.throwIfAborted();
      const failure = toFailure(thrown, store);
      const objection = asRefusal(failure, store);
      if (ABOUT_THE_COPY.has(failure.code)) {
        await this.#mark(snapshotId, store, { at, beganMs, objection, level }, signal);
      }
      return SnapshotVerdict.fromPartial({ node: store, refusals: [objection] });
    }
  }

  /** A proof that could not be written down is still an answer. */
  async #mark(
    snapshotId: string,
    place: string,
    seen: { at: number; beganMs: number; objection: Refusal | undefined; level: ProofLevel },
    signal: AbortSignal,
  ): Promise<void> {
    const { catalogue, clock, logger } = this.#settings;
    const { objection } = seen;
    const proof = Proof.fromPartial({
      kind: ProofKind.PROOF_KIND_VERIFY,
      place,
      at: new Date(seen.at).toISOString(),
      failure: objection === undefined ? undefined : { ...objection, node: place, causes: [] },
      tookMs: BigInt(Math.round(clock.monotonicMs() - seen.beganMs)),
      level: objection === undefined ? seen.level : ProofLevel.PROOF_LEVEL_UNSPECIFIED,
    });
    try {
      await catalogue.mark(place, { snapshotId, pins: [], proofs: [proof] }, signal);
    } catch (err) {
      logger.warn({ snapshotId, place, err }, 'a verdict could not be written beside its copy');
    }
  }
}

function asRefusal({ code, message }: Failure, place: string): Refusal {
  return refusal(isErrorCode(code) ? code : 'INTERNAL', message, place);
}

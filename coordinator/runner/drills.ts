import type { Clock } from '@lockstep/shared/clock.ts';
import type { ErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { fromFailure, LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodeProgress } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import { RunDrillRequest, type RunDrillResponse } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import {
  Proof,
  ProofKind,
  ProofLevel,
  type StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { foundBad, notDrilled } from '../core/drill-alert.ts';
import { newestWorthDrilling } from '../core/drill-choice.ts';
import type { BringSnapshot, Brought } from './drill-copies.ts';
import { type DrillingNode, drillingNodes } from './drill-nodes.ts';
import type { AgentClient, Agents, Announcer, Drills } from './ports.ts';
import { listSnapshots } from './snapshots.ts';
import { type OnProgress, streamWork } from './work-stream.ts';

/** The last token of the subject that alerts are published on. */
const ALERT_SUBJECT = 'drill';
/** The agent's own deadline is below it. */
const DRILL_TIMEOUT_MS = 35 * 60_000;
const MARK_TIMEOUT_MS = 15_000;
/** What an agent says of itself and not of the snapshot: another may be freer, or better equipped. */
const OF_THE_NODE: ReadonlySet<string> = new Set([
  'OPERATION_IN_PROGRESS',
  'DRILL_IN_PROGRESS',
  'SPACE_TOO_LITTLE',
  'MEMORY_TOO_LITTLE',
  'TOOL_MISSING',
  'TOOL_MISMATCH',
  'DISK_FULL',
  'UNREACHABLE',
]);

/** What is found of a copy in a store on the way to a node, not of who was to bring it. */
const ABOUT_THE_COPY: ReadonlySet<string> = new Set<ErrorCode>([
  'COPY_DAMAGED',
  'COPY_SEAL_INVALID',
  'SNAPSHOT_CARD_MISMATCH',
]);

export interface SnapshotDrillsSettings {
  readonly agents: Agents;
  readonly copies: BringSnapshot;
  readonly announcer: Announcer;
  readonly clock: Clock;
  readonly logger: Logger;
}

type DrillEvent =
  | { readonly $case: 'progress'; readonly value: NodeProgress }
  | { readonly $case: 'proof'; readonly value: Proof };

/** How the snapshot comes to a node; left out where it lies there and is what is to be drilled. */
interface Candidate extends DrillingNode {
  readonly bring?: (onProgress: OnProgress, signal: AbortSignal) => Promise<Brought>;
}

/** Drills on agents: which snapshot, on which node, and who hears of it. */
export class SnapshotDrills implements Drills {
  readonly #settings: SnapshotDrillsSettings;
  /** Alerts of one coordinator are told apart by their time, which may stand still. */
  #lastAlertMs = 0;

  constructor(settings: SnapshotDrillsSettings) {
    this.#settings = settings;
  }

  /** For schedules. Throws where there is no proof. */
  async run(snapshotId: string, node: string, signal: AbortSignal): Promise<Proof> {
    for await (const { event } of this.drill(RunDrillRequest.fromPartial({ snapshotId, node }), signal)) {
      if (event?.$case === 'failure') throw fromFailure(event.value);
      if (event?.$case === 'proof') return event.value;
    }
    throw new LockstepError('INTERNAL', { message: 'The drill ended without a word.' });
  }

  /** Progress, then the proof, or why there is none; whatever is not a good proof is announced. */
  async *drill(
    request: RunDrillRequest,
    signal: AbortSignal,
  ): AsyncGenerator<RunDrillResponse, void, undefined> {
    const { clock, logger } = this.#settings;
    const limited = clock.deadline(DRILL_TIMEOUT_MS, signal);
    let id = request.snapshotId;
    try {
      if (id === '') id = await this.#newest(limited);
      for await (const event of this.#proof({ ...request, snapshotId: id }, limited)) {
        if (event.$case === 'proof') await this.#proven(id, event.value, limited);
        yield { snapshotId: id, event };
      }
    } catch (thrown) {
      const failure = toFailure(thrown);
      logger.warn({ snapshotId: id, code: failure.code, reason: failure.message }, 'no drill was done');
      // Who called it off knows: a coordinator that stops, an operation that begins, a person.
      if (!signal.aborted) this.#alert(failure, notDrilled(id, failure));
      yield { snapshotId: id, event: { $case: 'failure', value: failure } };
    }
  }

  async #newest(signal: AbortSignal): Promise<string> {
    const { snapshots } = await listSnapshots(this.#settings.agents, signal);
    const id = newestWorthDrilling(snapshots);
    if (id !== undefined) return id;
    throw new LockstepError('SNAPSHOT_NOT_FOUND', { message: 'No node that answered holds a snapshot.' });
  }

  async *#proof(request: RunDrillRequest, signal: AbortSignal): AsyncGenerator<DrillEvent, void, undefined> {
    const { agents, clock, copies } = this.#settings;
    const { snapshotId, node, store } = request;
    const nodes = await drillingNodes(agents, clock, request, signal);
    const holding = nodes.filter(({ holds }) => holds);
    const asked = nodes.filter((each) => node === '' || each.client.node === node);
    if (store !== '' || holding.length === 0) {
      yield* this.#ofStored(request, asked, signal);
      return;
    }
    const fromOthers = asked.map(
      (each): Candidate => ({
        ...each,
        bring: (onProgress, until) => copies.fromAgent(snapshotId, each.client, onProgress, until),
      }),
    );
    const askedHolding = asked.filter(({ holds }) => holds);
    const candidates = askedHolding.length > 0 ? askedHolding : fromOthers;
    yield* this.#onFirstFree(candidates, snapshotId, '', signal);
  }

  /** The copy that lies in a store; those that do not hold the snapshot themselves are asked first. */
  async *#ofStored(
    request: RunDrillRequest,
    asked: readonly Candidate[],
    signal: AbortSignal,
  ): AsyncGenerator<DrillEvent, void, undefined> {
    const { clock, copies } = this.#settings;
    const [at, beganMs] = [clock.nowMs(), clock.monotonicMs()];
    let place = request.store;
    try {
      const found = await copies.find(request, signal);
      place = found.store;
      const candidates = asked
        .toSorted((a, b) => Number(a.holds) - Number(b.holds))
        .map(
          (each): Candidate => ({
            ...each,
            bring: (onProgress, until) =>
              copies.fromStore(found, { ...each, fileKey: request.fileKey }, onProgress, until),
          }),
        );
      yield* this.#onFirstFree(candidates, request.snapshotId, place, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      const failure = toFailure(thrown, place);
      // An agent that finds fault with what it is given says nothing of what it has.
      if (!ABOUT_THE_COPY.has(failure.code)) throw thrown;
      yield {
        $case: 'proof',
        value: Proof.fromPartial({
          kind: ProofKind.PROOF_KIND_DRILL,
          place: place || failure.node,
          at: new Date(at).toISOString(),
          tookMs: BigInt(Math.round(clock.monotonicMs() - beganMs)),
          failure: { ...failure, node: place || failure.node },
        }),
      };
    }
  }

  /** Throws what the first of them had against it where none takes it. */
  async *#onFirstFree(
    candidates: readonly Candidate[],
    snapshotId: string,
    store: string,
    signal: AbortSignal,
  ): AsyncGenerator<DrillEvent, void, undefined> {
    const refused: unknown[] = [];
    for (const candidate of candidates) {
      try {
        const proof = yield* this.#on(candidate, snapshotId, signal);
        yield { $case: 'proof', value: ofCopy(proof, candidate, store) };
        return;
      } catch (thrown) {
        signal.throwIfAborted();
        if (!OF_THE_NODE.has(toFailure(thrown).code)) throw thrown;
        refused.push(thrown);
      }
    }
    if (refused.length > 0) throw refused[0];
    throw new LockstepError('SNAPSHOT_NOT_FOUND', {
      message: `No node answers that could drill ${snapshotId}.`,
    });
  }

  /** What was brought is gone again before anybody hears of the proof. */
  async *#on(
    { client, bring }: Candidate,
    snapshotId: string,
    signal: AbortSignal,
  ): AsyncGenerator<DrillEvent, Proof, undefined> {
    const { clock } = this.#settings;
    let brought: Brought | undefined;
    try {
      if (bring !== undefined) {
        for await (const event of streamWork(clock, (onProgress) => bring(onProgress, signal))) {
          if (event.$case === 'progress') yield event;
          else brought = event.value;
        }
      }
      for await (const { event } of client.drillSnapshot(snapshotId, signal)) {
        if (event?.$case === 'progress') yield { $case: 'progress', value: progressOf(client, event.value) };
        if (event?.$case === 'failure') throw fromFailure(event.value);
        if (event?.$case === 'proof') return event.value;
      }
      throw new LockstepError('UNREACHABLE', {
        node: client.node,
        message: 'The agent ended the drill without a word.',
      });
    } finally {
      await brought?.takeAway();
    }
  }

  /** What the drilling agent knows is made known beside every other copy. */
  async #proven(snapshotId: string, proof: Proof, signal: AbortSignal): Promise<void> {
    const { agents, clock, copies, logger } = this.#settings;
    if (proof.failure !== undefined) this.#alert(proof.failure, foundBad(snapshotId, proof, proof.failure));
    const until = clock.deadline(MARK_TIMEOUT_MS, signal);
    const { snapshots } = await listSnapshots(agents, until);
    const others = snapshots.filter((each) => each.card?.id === snapshotId && each.node !== proof.place);
    const marked = await Promise.allSettled([
      ...others.map((each) => this.#markOn(each, proof, until)),
      copies.mark(snapshotId, proof, until),
    ]);
    for (const each of marked) {
      if (each.status === 'rejected') logger.warn({ snapshotId, err: each.reason }, 'a copy was not marked');
    }
  }

  async #markOn({ node, card }: StoredSnapshot, proof: Proof, signal: AbortSignal): Promise<void> {
    const { agents } = this.#settings;
    const known = agents.known().find((each) => each.node === node);
    if (known === undefined) return;
    const marks = { snapshotId: card?.id ?? '', pins: [], proofs: [proof] };
    await agents.client(known).markSnapshot(marks, signal);
  }

  /** Over NATS where there is any, into the audit stream, and into the log either way. */
  #alert({ code }: Failure, message: string): void {
    const { announcer, clock, logger } = this.#settings;
    logger.error({ code }, message);
    const atMs = clock.nowMs();
    this.#lastAlertMs = Math.max(atMs, this.#lastAlertMs + 1);
    announcer.announce({
      operationId: ALERT_SUBJECT,
      sequence: BigInt(this.#lastAlertMs),
      atMs: BigInt(atMs),
      event: { $case: 'notice', value: { code, message } },
    });
  }
}

/** Of a copy in a store, where that is what was drilled: the node only lent its hands. */
function ofCopy(proof: Proof, { client, holds }: Candidate, store: string): Proof {
  // What the node found wrong with its own bytes is not the store's.
  const isOwnFault = holds && proof.failure !== undefined && proof.level < ProofLevel.PROOF_LEVEL_READ;
  if (store === '' || isOwnFault) return proof;
  const how = holds
    ? `unpacked on ${client.node}, and drilled there by the same bytes that it holds itself`
    : `drilled on ${client.node}, which kept nothing of it`;
  return { ...proof, place: store, note: [how, proof.note].filter((words) => words !== '').join('; ') };
}

function progressOf(
  { node }: AgentClient,
  { step, doneBytes, totalBytes }: { step: string; doneBytes: bigint; totalBytes: bigint },
): NodeProgress {
  return { phase: Phase.PHASE_UNSPECIFIED, node, step, doneBytes, totalBytes, done: false };
}

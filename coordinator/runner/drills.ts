import type { Clock } from '@lockstep/shared/clock.ts';
import { fromFailure, LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodeProgress } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import type { RunDrillRequest, RunDrillResponse } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { Proof, StoredSnapshot } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { timedId } from '@lockstep/shared/ids.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { drillOrder, newestWorthDrilling } from '../core/drill-choice.ts';
import { inspectNodes } from './inventory.ts';
import type { AgentClient, Agents, Announcer, Drills } from './ports.ts';
import { listSnapshots } from './snapshots.ts';

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
  'UNREACHABLE',
]);

/** Brings a snapshot onto a node that is to drill it. */
export interface BringSnapshot {
  /** From another agent, or from a store where none has it and it is not encrypted. Empty node: whichever. */
  bring(
    snapshotId: string,
    node: string,
    onProgress: (progress: NodeProgress) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Beside the copies in stores. */
  mark(snapshotId: string, proof: Proof, signal: AbortSignal): Promise<void>;
}

export interface SnapshotDrillsSettings {
  readonly agents: Agents;
  readonly copies: BringSnapshot;
  readonly announcer: Announcer;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Drills on agents: which snapshot, on which node, and who hears of it. */
export class SnapshotDrills implements Drills {
  readonly #settings: SnapshotDrillsSettings;

  constructor(settings: SnapshotDrillsSettings) {
    this.#settings = settings;
  }

  /** For schedules. Throws where there is no proof. */
  async run(snapshotId: string, node: string, signal: AbortSignal): Promise<Proof> {
    for await (const { event } of this.drill({ snapshotId, node }, signal)) {
      if (event?.$case === 'failure') throw fromFailure(event.value);
      if (event?.$case === 'proof') return event.value;
    }
    throw new LockstepError('INTERNAL', { message: 'The drill ended without a word.' });
  }

  /** Progress, then the proof, or why there is none; whatever is not a good proof is announced. */
  async *drill(
    { snapshotId, node }: RunDrillRequest,
    signal: AbortSignal,
  ): AsyncGenerator<RunDrillResponse, void, undefined> {
    const { clock, logger } = this.#settings;
    const limited = clock.deadline(DRILL_TIMEOUT_MS, signal);
    let id = snapshotId;
    try {
      id = snapshotId === '' ? await this.#newest(limited) : snapshotId;
      for await (const response of this.#drillOn(id, node, limited)) {
        if (response.event?.$case === 'proof') await this.#proven(id, response.event.value, limited);
        yield response;
      }
    } catch (thrown) {
      const failure = toFailure(thrown);
      logger.warn({ snapshotId: id, code: failure.code, reason: failure.message }, 'no drill was done');
      this.#alert(id, failure);
      yield { snapshotId: id, event: { $case: 'failure', value: failure } };
    }
  }

  async #newest(signal: AbortSignal): Promise<string> {
    const { snapshots } = await listSnapshots(this.#settings.agents, signal);
    const id = newestWorthDrilling(snapshots);
    if (id !== undefined) return id;
    throw new LockstepError('SNAPSHOT_NOT_FOUND', { message: 'No node that answered holds a snapshot.' });
  }

  async *#drillOn(
    id: string,
    node: string,
    signal: AbortSignal,
  ): AsyncGenerator<RunDrillResponse, void, undefined> {
    const { copies } = this.#settings;
    let clients = await this.#holders(id, node, signal);
    if (clients.length === 0) {
      // Nobody waits for this progress: what counts is that it came.
      await copies.bring(id, node, () => undefined, signal);
      clients = await this.#holders(id, node, signal);
    }
    const refused: Failure[] = [];
    for (const client of clients) {
      let failure: Failure | undefined;
      for await (const { event } of client.drillSnapshot(id, signal)) {
        if (event?.$case === 'progress')
          yield { snapshotId: id, event: { $case: 'progress', value: progressOf(client, event.value) } };
        if (event?.$case === 'proof') {
          yield { snapshotId: id, event };
          return;
        }
        if (event?.$case === 'failure') failure = event.value;
      }
      if (failure === undefined) {
        throw new LockstepError('UNREACHABLE', {
          node: client.node,
          message: 'The agent ended the drill without a word.',
        });
      }
      if (!OF_THE_NODE.has(failure.code)) throw fromFailure(failure);
      refused.push(failure);
    }
    const [first] = refused;
    if (first === undefined) {
      throw new LockstepError('SNAPSHOT_NOT_FOUND', {
        message: node === '' ? `No node that answered holds ${id}.` : `${node} holds no ${id}.`,
      });
    }
    throw fromFailure(first);
  }

  /** Who holds it, those first that a drill disturbs least; the named one alone where one is named. */
  async #holders(id: string, node: string, signal: AbortSignal): Promise<AgentClient[]> {
    const { agents, clock } = this.#settings;
    if (node !== '' && !agents.known().some((each) => each.node === node)) {
      throw new LockstepError('NODE_MISSING', { node, message: `There is no node ${node}.` });
    }
    const [{ snapshots }, nodes] = await Promise.all([
      listSnapshots(agents, signal),
      inspectNodes(agents, clock, signal),
    ]);
    const holding = new Set(snapshots.filter((each) => each.card?.id === id).map((each) => each.node));
    const asked = nodes.filter((each) => holding.has(each.node) && (node === '' || each.node === node));
    const free = drillOrder(asked);
    const busy = asked.find(({ report }) => (report?.openOperationId ?? '') !== '');
    if (free.length === 0 && busy !== undefined) {
      throw new LockstepError('OPERATION_IN_PROGRESS', {
        node: busy.node,
        message: `${busy.report?.openOperationId} is open on ${busy.node}, which holds ${id}.`,
      });
    }
    return free.map((each) => agents.client(each));
  }

  /** What the drilling agent knows is made known beside every other copy. */
  async #proven(snapshotId: string, proof: Proof, signal: AbortSignal): Promise<void> {
    const { agents, clock, copies, logger } = this.#settings;
    if (proof.failure !== undefined) this.#alert(snapshotId, proof.failure);
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
  #alert(snapshotId: string, failure: Failure): void {
    const { announcer, clock, logger } = this.#settings;
    const message = `${snapshotId || 'no snapshot'}${failure.node === '' ? '' : ` on ${failure.node}`}: ${failure.message}`;
    logger.error({ snapshotId, code: failure.code }, `drill: ${message}`);
    const atMs = clock.nowMs();
    announcer.announce({
      operationId: timedId('d', atMs),
      sequence: 1n,
      atMs: BigInt(atMs),
      event: { $case: 'notice', value: { code: failure.code, message } },
    });
  }
}

function progressOf(
  { node }: AgentClient,
  { step, doneBytes, totalBytes }: { step: string; doneBytes: bigint; totalBytes: bigint },
): NodeProgress {
  return { phase: Phase.PHASE_UNSPECIFIED, node, step, doneBytes, totalBytes, done: false };
}

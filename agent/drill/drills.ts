import type { Clock } from '@lockstep/shared/clock.ts';
import { asLockstepError, LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Proof } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { timedId } from '@lockstep/shared/ids.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import type { OperationLedger } from '../ledger/records.ts';
import { drill } from './drill.ts';
import type { DrillPorts } from './ports.ts';

/** A store of 8 GB at idle priority takes some minutes; whatever takes longer than this is not coming. */
const DRILL_TIMEOUT_MS = 30 * 60_000;
/** An operation waits this long for a drill to be gone; its etcd is killed at once. */
const YIELD_PATIENCE_MS = 10_000;

export interface DrillsSettings {
  readonly node: string;
  readonly ledger: Pick<OperationLedger, 'openOperation' | 'recordAudit'>;
  readonly ports: DrillPorts;
  readonly clock: Clock;
  readonly logger: Logger;
  /** DRILL_TIMEOUT_MS where left out. */
  readonly timeoutMs?: number;
}

/** The drills of this node: one at a time, never beside an operation, and each swept away at its end. */
export class Drills {
  readonly #settings: DrillsSettings;
  #running: { readonly stop: AbortController; readonly ended: Promise<unknown> } | undefined;
  /** Operations that are just being promised. */
  #bars = 0;

  constructor(settings: DrillsSettings) {
    this.#settings = settings;
  }

  /**
   * Throws OPERATION_IN_PROGRESS, DRILL_IN_PROGRESS, SPACE_TOO_LITTLE, MEMORY_TOO_LITTLE, TOOL_*,
   * SNAPSHOT_NOT_FOUND, DRILL_YIELDED, DRILL_FAILED: none of them says that the snapshot is bad.
   */
  async run(
    snapshotId: string,
    caller: string,
    progress: (doing: string) => void,
    signal: AbortSignal,
  ): Promise<Proof> {
    const { node, ledger, clock, ports, logger } = this.#settings;
    this.#requireFree();
    const stop = new AbortController();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#running = { stop, ended };
    const timeoutMs = this.#settings.timeoutMs ?? DRILL_TIMEOUT_MS;
    const limited = clock.deadline(timeoutMs, AbortSignal.any([signal, stop.signal]));
    const drillId = timedId('d', clock.nowMs());
    let outcome = 'done';
    try {
      logger.info({ drillId, snapshotId, caller }, 'drill began');
      const proof = await drill({ node, drillId, snapshotId, clock, ports, progress }, limited);
      outcome = proof.failure?.code ?? 'done';
      await this.#mark(snapshotId, proof);
      logger[proof.failure === undefined ? 'info' : 'error'](
        { drillId, snapshotId, code: proof.failure?.code, tookMs: Number(proof.tookMs), level: proof.level },
        'drill ended',
      );
      return proof;
    } catch (thrown) {
      const named = this.#named(thrown, { stop: stop.signal, limited, asked: signal, timeoutMs });
      outcome = named.code;
      logger.warn({ drillId, snapshotId, err: named }, 'drill did not come to its end');
      throw named;
    } finally {
      this.#running = undefined;
      end();
      ledger.recordAudit({
        caller,
        command: `DrillSnapshot ${snapshotId}`,
        operationId: '',
        epoch: undefined,
        outcome,
      });
    }
  }

  /**
   * For an operation: ends the drill that runs, waits until nothing of it is left, and lets none
   * begin until what is returned is disposed of.
   */
  async makeWay(): Promise<Disposable> {
    this.#bars += 1;
    const running = this.#running;
    if (running !== undefined) {
      running.stop.abort(new LockstepError('DRILL_YIELDED', { node: this.#settings.node }));
      const { clock } = this.#settings;
      await Promise.race([running.ended, clock.delay(YIELD_PATIENCE_MS)]);
    }
    return {
      [Symbol.dispose]: () => {
        this.#bars -= 1;
      },
    };
  }

  /** Ends and removes what an earlier run of this agent left. Called at the start, before any drill. */
  async sweep(): Promise<void> {
    const { ports, logger } = this.#settings;
    for (const drillId of await ports.places.list()) {
      logger.warn({ drillId }, 'a drill was cut short; sweeping it away');
      await ports.places.clear(drillId);
    }
  }

  /** For the agent's own end. */
  async close(): Promise<void> {
    // Never given back: nothing begins any more.
    await this.makeWay();
  }

  /** The answer carries the proof too; whoever asked can still write it down. */
  async #mark(snapshotId: string, proof: Proof): Promise<void> {
    const { ports, logger } = this.#settings;
    try {
      await ports.mark({ snapshotId, pins: [], proofs: [proof] });
    } catch (err) {
      logger.error({ snapshotId, err }, 'the proof could not be written beside the snapshot');
    }
  }

  #requireFree(): void {
    const { node, ledger } = this.#settings;
    const open = ledger.openOperation();
    if (open !== undefined || this.#bars > 0) {
      throw new LockstepError('OPERATION_IN_PROGRESS', {
        node,
        message: `${open?.operationId ?? 'An operation'} is open on ${node}; nothing is drilled beside it.`,
      });
    }
    if (this.#running !== undefined) throw new LockstepError('DRILL_IN_PROGRESS', { node });
  }

  #named(
    thrown: unknown,
    {
      stop,
      limited,
      asked,
      timeoutMs,
    }: { stop: AbortSignal; limited: AbortSignal; asked: AbortSignal; timeoutMs: number },
  ): LockstepError {
    const { node } = this.#settings;
    if (stop.aborted) return asLockstepError(stop.reason);
    if (asked.aborted)
      return new LockstepError('DRILL_FAILED', {
        node,
        message: 'Whoever asked for the drill is gone.',
        cause: thrown,
      });
    if (limited.aborted) {
      return new LockstepError('DRILL_FAILED', {
        node,
        message: `The drill on ${node} did not end within ${timeoutMs / 1000} s.`,
        cause: thrown,
      });
    }
    if (thrown instanceof LockstepError) return thrown;
    return new LockstepError('DRILL_FAILED', { node, cause: thrown });
  }
}

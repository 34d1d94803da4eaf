import { setTimeout as delay } from 'node:timers/promises';
import {
  latestOperation,
  operationOf,
  put,
  type RunningRestore,
  saveSnapshot,
  startRestore,
  waitAgents,
  waitServing,
} from '../../e2e/support/cluster.ts';
import { loadObjects } from '../../e2e/support/objects.ts';
import { Lab, type LabOptions } from '../../lab/lab.ts';
import { observeBaseline } from '../checker/baseline.ts';
import { checkNodes, type Expectation } from '../checker/check.ts';
import { watchNodes } from '../checker/watch.ts';
import type { OutcomeTable } from './outcome-table.ts';

const KEY = '/registry/configmaps/default/deed';
const END_TIMEOUT_MS = 240_000;
const SETTLED_TIMEOUT_MS = 120_000;
const POLL_MS = 500;

export const PHASES = [
  'promise',
  'stage',
  'build',
  'safeguard',
  're-inspect',
  'fence',
  'swap',
  'start-etcd',
  'commit',
  'start-api',
  'start-controllers',
] as const;
export type Phase = (typeof PHASES)[number];

export interface Fault {
  /** For the table and for messages. */
  readonly name: string;
  /** The fault strikes when this phase has begun … */
  readonly phase: Phase;
  /** … and this long has passed. */
  readonly afterMs?: number;
  /** Before the operation begins. */
  readonly prepare?: (lab: Lab) => unknown;
  readonly strike: (lab: Lab) => unknown;
  /** Puts right what does not heal by itself; called once the fault has struck. */
  readonly heal?: (lab: Lab) => unknown;
  /** True: put right only after the operation has ended. */
  readonly outlasts?: boolean;
  /** Nodes that the fault keeps away until it is put right. */
  readonly absent?: readonly string[];
  /** Nodes whose member must not run on OLD once the fault has struck. */
  readonly neverOldAgain?: readonly string[];
  /** What it may end with; both ends that need nobody, where left out. */
  readonly outcomes?: readonly Outcome[];
}

export type Outcome = 'restored' | 'rolled-back' | 'refused' | 'needs-operator';

/**
 * One cluster in which one restore after another is struck by a fault. Whatever happens, each ends
 * by itself, and the independent checker finds nothing, neither meanwhile nor at the end.
 */
export class FaultLab implements AsyncDisposable {
  readonly lab: Lab;
  readonly #snapshot: string;
  readonly #table: OutcomeTable;

  private constructor(lab: Lab, snapshot: string, table: OutcomeTable) {
    this.lab = lab;
    this.#snapshot = snapshot;
    this.#table = table;
  }

  static async up(table: OutcomeTable, options: LabOptions = {}): Promise<FaultLab> {
    const lab = await Lab.up({ nodes: 3, ...options });
    try {
      await loadObjects(lab);
      await put(lab, KEY, 'good');
      return new FaultLab(lab, await saveSnapshot(lab), table);
    } catch (error) {
      await lab.down();
      throw error;
    }
  }

  /** Everything that is not as it must be, in words: none is what a test wants. */
  async suffer(fault: Fault, ...args: readonly string[]): Promise<string[]> {
    const { lab } = this;
    await waitServing(lab);
    await waitAgents(lab);
    await fault.prepare?.(lab);
    await put(lab, KEY, 'bad');
    const before = await observeBaseline(lab);
    const watch = watchNodes(lab, before);
    const restore = startRestore(lab, this.#snapshot, ...args);
    let outcome = 'none';
    const found: string[] = [];
    try {
      await restore.reached('phase-started', { phase: fault.phase });
      await delay(fault.afterMs ?? 0);
      await fault.strike(lab);
      watch.forbidOld(fault.neverOldAgain ?? []);
      if (fault.outlasts !== true) await fault.heal?.(lab);
      const ended = await this.#ended(restore);
      outcome = ended.outcome;
      const expectation: Expectation = {
        outcome: outcome as Outcome,
        operationId: ended.operationId,
        before,
        content: { key: KEY, snapshot: 'good', live: 'bad' },
        serveKept: false,
      };
      const { outcomes = ['restored', 'rolled-back'], absent = [] } = fault;
      if (!outcomes.some((each) => each === outcome))
        found.push(`${ended.operationId} ended ${outcome}: ${ended.said}`);
      if (fault.outlasts === true) {
        found.push(...named('while it lasts', await this.#settled({ ...expectation, absent })));
        await fault.heal?.(lab);
      }
      found.push(...named('at the end', await this.#settled(expectation)));
      found.push(...named('at the end', await checkNodes(lab, { ...expectation, serveKept: true })));
    } finally {
      found.push(...named('meanwhile', await watch.stop()));
      this.#table.add(fault.name, fault.phase, found.length === 0 ? outcome : `${outcome}, and wrong`);
    }
    return found;
  }

  /** How it ended, whoever had to be asked for that, and however often. */
  async #ended(restore: RunningRestore): Promise<{ operationId: string; outcome: string; said: string }> {
    const until = Date.now() + END_TIMEOUT_MS;
    await Promise.race([restore.ended.catch(() => {}), delay(END_TIMEOUT_MS, undefined, { ref: false })]);
    for (;;) {
      const operationId = await latestOperation(this.lab).catch(() => '');
      const said = operationId === '' ? undefined : await operationOf(this.lab, operationId);
      if (
        said !== undefined &&
        ['restored', 'rolled-back', 'refused', 'needs-operator'].includes(said.outcome)
      ) {
        return { operationId, outcome: said.outcome, said: JSON.stringify(said).slice(0, 2_000) };
      }
      if (Date.now() > until) {
        throw new Error(`${operationId} has not ended: ${JSON.stringify(said)}`);
      }
      await delay(POLL_MS);
    }
  }

  /** What the checker finds once nothing changes any more: a node that was away takes its time. */
  async #settled(expectation: Expectation): Promise<string[]> {
    const until = Date.now() + SETTLED_TIMEOUT_MS;
    for (;;) {
      const found = await checkNodes(this.lab, expectation);
      if (found.length === 0 || Date.now() > until) return found;
      await delay(POLL_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab.down();
  }
}

function named(when: string, found: readonly string[]): string[] {
  return found.map((each) => `${when}: ${each}`);
}

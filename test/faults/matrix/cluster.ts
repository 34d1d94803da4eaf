import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { raiseNoSpace } from '../../e2e/support/alarm.ts';
import { put, saveSnapshot, waitServing } from '../../e2e/support/cluster.ts';
import { loadObjects } from '../../e2e/support/objects.ts';
import { Lab } from '../../lab/lab.ts';
import type { LabNode } from '../../lab/lab-node.ts';
import { observeBaseline } from '../checker/baseline.ts';
import { checkNodes, type Expectation } from '../checker/check.ts';
import { watchNodes } from '../checker/watch.ts';
import { type Arming, FailpointBoard } from '../failpoints/board.ts';
import { PatientOperator } from './operator.ts';
import type { Batch, Kind } from './schedule.ts';

const KEY = '/registry/configmaps/default/deed';
const THEN = 'then';
/** An object whose change a plan looks into: its live value is read. */
const ACCOUNT_KEY = '/registry/serviceaccounts/default/deed';
/** Makes a restore fail where most of it is done. */
const FAIL_AT_GATE = 'agent:handlers.perform:after@STEP_PREPARE_GATE';
/** A node that was away when the others went back does so unaided when it is back. */
const SETTLE_MS = 60_000;
const SETTLE_POLL_MS = 1_000;
const AGENTS_TIMEOUT_MS = 30_000;
/** Kept OLD is started on a copy in every so many operations: it takes seconds. */
const SERVE_KEPT_EVERY = 5;

/** How one operation with its kills went. */
export interface Row {
  readonly kind: Kind;
  readonly operationId: string;
  readonly outcome: Expectation['outcome'];
  /** The failure that it ended with, in words. */
  readonly failure: string;
  readonly killed: readonly { readonly at: string; readonly point: string }[];
  /** Armed, and not reached. */
  readonly missed: readonly string[];
  readonly violations: readonly string[];
  readonly durationMs: number;
}

/** One cluster with failpoints, and its operator, for many operations one after another. */
export class TormentedCluster implements AsyncDisposable {
  readonly lab: Lab;
  readonly #operator: PatientOperator;
  readonly #boards: ReadonlyMap<string, FailpointBoard>;
  readonly #snapshot: string;
  #operations = 0;

  private constructor(lab: Lab, operator: PatientOperator, snapshot: string) {
    this.lab = lab;
    this.#operator = operator;
    this.#snapshot = snapshot;
    this.#boards = new Map([
      ...lab.nodes.map(
        ({ name, failpointsDirectory }) => [name, new FailpointBoard(failpointsDirectory)] as const,
      ),
      ['coordinator', new FailpointBoard(lab.coordinatorFailpointsDirectory)] as const,
    ]);
  }

  /** Its snapshot has an alarm: disarming it is a part of the restore. */
  static async up(): Promise<TormentedCluster> {
    const lab = await Lab.up({ nodes: 3, failpoints: true });
    const [node] = lab.nodes;
    if (node === undefined) throw new Error('no node');
    await loadObjects(lab);
    await putWorld(lab, THEN);
    const { stdout } = await lab.etcdctl(node, ['endpoint', 'status', '-w', 'json']);
    await raiseNoSpace(node, BigInt(/"member_id":(\d+)/.exec(stdout)?.[1] ?? '0'));
    const snapshot = await saveSnapshot(lab, '--node', 'cp1');
    await lab.etcdctl(node, ['alarm', 'disarm']);
    return new TormentedCluster(lab, await PatientOperator.of(lab), snapshot);
  }

  /** Who was killed where since failpoints were armed last. */
  get killed(): Row['killed'] {
    return [...this.#boards].flatMap(([at, board]) =>
      board.hits.filter((point) => point !== FAIL_AT_GATE).map((point) => ({ at, point })),
    );
  }

  /** Empty before the first. */
  latestOperationId = '';

  get agents(): string[] {
    return this.lab.nodes.map(({ name }) => name);
  }

  /** What each program crosses in a whole operation of this kind, its own start included. */
  async record(kind: Kind): Promise<{ crossed: Map<string, readonly string[]>; calls: Set<string> }> {
    this.#arm(kind, () => ({ record: true, arms: [] }));
    await Promise.all(this.lab.nodes.map((node) => node.kill('lockstep-agent')));
    await this.lab.coordinator.kill();
    const row = await this.#operate(kind);
    if (row.violations.length > 0) throw new Error(`a restore without faults: ${row.violations.join('\n')}`);
    const crossed = new Map([...this.#boards].map(([program, board]) => [program, board.crossed]));
    await this.#tidy();
    const calls = new Set(
      [...this.#boards].flatMap(([program, board]) =>
        board.calls.map((call) => `${program === 'coordinator' ? program : 'agent'}:${call}`),
      ),
    );
    return { crossed, calls };
  }

  /** One operation, with these deaths in it. */
  async torment({ kind, kills }: Batch): Promise<Row> {
    this.#arm(kind, (program) => ({
      arms: kills
        .filter(({ at }) => at.includes(program))
        .map(({ target }) => ({ point: target.name, action: 'kill' })),
    }));
    const row = await this.#operate(
      kind,
      kills.map(({ target }) => target.name),
    );
    if (row.violations.length === 0) await this.#tidy();
    return row;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#operator[Symbol.asyncDispose]();
    await this.lab.down();
  }

  /** Leaves programs and files as they are, to be looked at. */
  async abandon(): Promise<void> {
    await this.#operator[Symbol.asyncDispose]();
    await this.lab.down({ keepDirectory: true });
  }

  async #operate(kind: Kind, armed: readonly string[] = []): Promise<Row> {
    this.#operations += 1;
    const live = `now-${this.#operations}`;
    await putWorld(this.lab, live);
    const before = await observeBaseline(this.lab);
    const beganMs = Date.now();
    const watch = watchNodes(this.lab, before);
    const plan = await this.#operator.plan(this.#snapshot);
    this.latestOperationId = plan.operationId;
    const { outcome, operation } = await this.#operator.run(plan);
    const durationMs = Date.now() - beganMs;
    const { killed } = this;
    const expectation: Expectation = {
      outcome,
      operationId: plan.operationId,
      before,
      content: { key: KEY, snapshot: THEN, live },
      serveKept: this.#operations % SERVE_KEPT_EVERY === 0,
    };
    const violations = [
      ...(kind === 'rollback' && outcome === 'restored' ? ['what was to fail went through'] : []),
      ...(await this.#checkSettled(expectation)),
      ...(await watch.stop()),
    ];
    const { failure } = operation;
    return {
      kind,
      operationId: plan.operationId,
      outcome,
      failure: failure === undefined ? '' : `${failure.code} ${failure.node}: ${failure.message}`,
      killed,
      missed: armed.filter((name) => !killed.some(({ point }) => point === name)),
      violations,
      durationMs,
    };
  }

  async #checkSettled(expectation: Expectation): Promise<string[]> {
    const untilMs = Date.now() + SETTLE_MS;
    for (;;) {
      const violations = await checkNodes(this.lab, expectation);
      if (violations.length === 0 || Date.now() > untilMs) return violations;
      await delay(SETTLE_POLL_MS);
    }
  }

  /** A hundred kept stores would fill the disk; and every node but the first pulls the snapshot anew. */
  async #tidy(): Promise<void> {
    for (const board of this.#boards.values()) board.arm({ arms: [] });
    const signal = AbortSignal.timeout(AGENTS_TIMEOUT_MS);
    await Promise.all(this.lab.nodes.map((node) => node.waitAgent(signal)));
    await waitServing(this.lab);
    for (const node of this.lab.nodes) this.#tidyNode(node, this.latestOperationId);
  }

  #tidyNode(node: LabNode, operationId: string): void {
    const own = ['/var/lib/.lockstep', '/var/lib/lockstep/operations'].map(
      (path) => `${path}/${operationId}`,
    );
    const pulled = ['db', 'json'].map((suffix) => `/var/lib/lockstep/snapshots/${this.#snapshot}.${suffix}`);
    for (const path of node.name === 'cp1' ? own : [...own, ...pulled]) {
      rmSync(node.path(path), { recursive: true, force: true });
    }
  }

  #arm(kind: Kind, arming: (program: string) => Arming): void {
    for (const [program, board] of this.#boards) {
      const { arms, ...rest } = arming(program);
      const failing = kind === 'rollback' && program !== 'coordinator';
      board.arm({
        ...rest,
        arms: failing ? [...arms, { point: FAIL_AT_GATE, action: 'fail-always' }] : arms,
      });
    }
  }
}

/** What tells one time of the cluster from another. */
async function putWorld(lab: Lab, time: string): Promise<void> {
  await put(lab, KEY, time);
  const metadata = { name: 'deed', namespace: 'default', uid: time };
  await put(lab, ACCOUNT_KEY, JSON.stringify({ apiVersion: 'v1', kind: 'ServiceAccount', metadata }));
}

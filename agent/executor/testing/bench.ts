import type { Clock } from '@lockstep/shared/clock.ts';
import type { Inode } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import type { RunnableStep } from '../../core/operation.ts';
import { nodePaths, operationPaths, plannedComponents } from '../../core/paths.ts';
import type { EffectRecord } from '../../ledger/records.ts';
import type { Component } from '../../ports.ts';
import { type NodeContext, required, type StepContext, type StepPorts } from '../step.ts';

export const OPERATION = 'r-1';
export const OLD: Inode = { device: 1n, number: 10n };
export const NEW: Inode = { device: 1n, number: 20n };
export const STATE_DIR = '/var/lib/lockstep';

/** More than any step waits: thirty seconds for OLD's quorum, looked at every twenty milliseconds. */
const MAX_WAITS = 5_000;

type Answer = (...given: never[]) => unknown;

/**
 * Everything that a step reaches, said back as it is called: `calls` is what a step did, in order.
 * Nothing changes by itself; what the node is like is set by the test, and may be changed by a call
 * through `on`.
 */
export class Bench {
  readonly calls: string[] = [];
  readonly plan: RestorePlan;
  inPlace: Inode | undefined = OLD;
  other: Inode | undefined = NEW;
  manifests: Component[] = [];
  kubelet = { held: true, marked: true, active: false };
  effects: EffectRecord[] = [];
  nowMs = 1_000_000;
  /** Answers of single calls, by "port.method"; they may throw, or change the bench. */
  readonly on: Record<string, Answer> = {};
  readonly ports: StepPorts;
  #waits = 0;

  constructor(plan: RestorePlan = benchPlan()) {
    this.plan = plan;
    const nodePlan = required(plan.nodes[0], 'node', '');
    const inPlace = nodePlan.etcd === undefined ? '' : operationPaths(nodePlan, OPERATION, STATE_DIR).inPlace;
    this.ports = {
      hosting: this.#port('hosting', {
        kubeletState: () => this.kubelet,
        manifestsInPlace: () => this.manifests,
        undoText: () => 'by hand',
      }),
      stores: this.#port('stores', {
        inodeOf: (path: string) => (path === inPlace ? this.inPlace : this.other),
        realPath: (path: string) => path,
        exchange: async ({ prove }: { prove: () => Promise<void> }) => {
          await prove();
          [this.inPlace, this.other] = [this.other, this.inPlace];
        },
      }),
      builder: this.#port('builder', {}),
      member: this.#port('member', { writeCanary: () => 42n, dropStaleMasterLeases: () => [] }),
      joining: this.#port('joining', {}),
      membership: this.#port('membership', {
        addLearner: () => 'm9',
        promoteLearner: () => true,
        isVoter: () => false,
      }),
      snapshots: this.#port('snapshots', { hostPathOf: (id: string) => `/snapshots/${id}.db` }),
      pull: this.#call('pull', () => undefined) as unknown as StepPorts['pull'],
      judgeSeals: this.#call('judgeSeals', () => []) as unknown as StepPorts['judgeSeals'],
      readStoreFacts: this.#call('readStoreFacts', () => undefined) as unknown as StepPorts['readStoreFacts'],
      clock: this.#clock(),
      describe: this.#call('describe', () => NodeReport.fromPartial({})) as unknown as StepPorts['describe'],
    };
  }

  /** An effect as the ledger keeps it; not completed where no completion is given. */
  did(
    step: RunnableStep,
    { intent = null, completion }: { intent?: unknown; completion?: unknown } = {},
  ): this {
    this.effects.push({
      sequence: this.effects.length + 1,
      step,
      epoch: { number: 1n, coordinatorId: 'c1' },
      intendedMs: 1,
      intent,
      completedMs: completion === undefined ? undefined : 2,
      completion,
    });
    return this;
  }

  get context(): StepContext {
    const nodePlan = required(this.plan.nodes[0], 'node', '');
    return {
      ...this.nodeContext,
      memberPlan: required(nodePlan.etcd, 'member', ''),
      paths: operationPaths(nodePlan, OPERATION, STATE_DIR),
    };
  }

  /** Of a node that may have no member. */
  get nodeContext(): NodeContext {
    const { plan } = this;
    const nodePlan = required(plan.nodes[0], 'node', '');
    return {
      node: nodePlan.node,
      operationId: OPERATION,
      plan,
      nodePlan,
      snapshot: required(plan.snapshot, 'snapshot', ''),
      paths: nodePaths(nodePlan, OPERATION, STATE_DIR),
      components: plannedComponents(nodePlan),
      effects: this.effects,
      ports: this.ports,
      logger: QUIET,
      progress: () => undefined,
    };
  }

  /** Any port: it has every method that is asked of it. */
  #port(port: string, answers: Record<string, Answer>): never {
    const methods = new Map<string, Answer>();
    return new Proxy(
      {},
      {
        get: (_target, method: string) => {
          const known =
            methods.get(method) ?? this.#call(`${port}.${method}`, answers[method] ?? (() => undefined));
          methods.set(method, known);
          return known;
        },
      },
    ) as never;
  }

  /** What only looks is not said: it may be looked as often as one likes. */
  #call(name: string, usual: Answer): Answer {
    const looks = /^judgeSeals$|\.(inodeOf|realPath|kubeletState|manifestsInPlace|undoText|hostPathOf)$/.test(
      name,
    );
    const isSync = /\.(realPath|undoText|hostPathOf)$/.test(name);
    return (...given: never[]) => {
      if (!looks) this.calls.push([name, ...given.flatMap(wordsOf)].join(' '));
      const answer = this.on[name] ?? usual;
      return isSync ? answer(...given) : (async () => answer(...given))();
    };
  }

  /** Waits pass at once. */
  #clock(): Clock {
    return {
      nowMs: () => this.nowMs,
      monotonicMs: () => this.nowMs,
      delay: async (ms: number, signal?: AbortSignal) => {
        signal?.throwIfAborted();
        this.#waits += 1;
        if (this.#waits > MAX_WAITS) throw new Error('the step waits without end');
        this.nowMs += ms;
        // Whatever can go on without a wait goes first.
        await new Promise((resolve) => setImmediate(resolve));
      },
      deadline: (timeoutMs: number, signal?: AbortSignal) => {
        const until = this.nowMs + timeoutMs;
        const controller = new AbortController();
        signal?.addEventListener('abort', () => controller.abort(signal.reason), { once: true });
        // Looked at by who waits: its time is the bench's.
        return new Proxy(controller.signal, {
          get: (target, key) => {
            if (this.nowMs >= until && !target.aborted)
              controller.abort(new DOMException('late', 'TimeoutError'));
            const value: unknown = Reflect.get(target, key, target);
            return typeof value === 'function' ? value.bind(target) : value;
          },
        });
      },
      after: () => ({ [Symbol.dispose]: () => undefined }),
    };
  }
}

/** Paths, names and lists of them; the rest of what is given says nothing to a reader. */
function wordsOf(given: unknown): string[] {
  if (typeof given === 'string') return [given];
  if (Array.isArray(given) && given.every((each) => typeof each === 'string'))
    return [`[${given.join(' ')}]`];
  return [];
}

const QUIET = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  debug: () => undefined,
  child: () => QUIET,
} as unknown as Logger;

const COMPONENTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

export function benchPlan(change: object = {}): RestorePlan {
  return RestorePlan.fromPartial({
    operationId: OPERATION,
    cluster: 'lab',
    snapshot: { id: 's-1', facts: { fileSha256: 'f', status: { revision: 100n }, contentSha256: 'c' } },
    baseline: { serving: true, etcdClusterId: 'old' },
    sources: [
      { node: 'cp1', address: '10.0.0.1:7443' },
      { node: 'cp2', address: '10.0.0.2:7443' },
    ],
    nodes: [
      {
        node: 'cp1',
        ledgerId: 'L',
        staticPodPath: '/etc/kubernetes/manifests',
        address: '10.0.0.1:7443',
        etcdutl: { name: 'etcdutl', path: '/usr/bin/etcdutl' },
        etcd: {
          name: 'cp1',
          dataDir: '/var/lib/etcd',
          initialCluster: 'cp1=https://a:2380',
          oldStore: { dataDirInode: OLD },
        },
        manifests: COMPONENTS.map((component) => ({ component, fileName: `${component}.yaml` })),
      },
    ],
    ...change,
  });
}

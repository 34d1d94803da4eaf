import type { RunnableStep } from '@lockstep/agent/core/operation.ts';
import type { EffectRecord, OperationRecord } from '@lockstep/agent/ledger/records.ts';
import type { Component } from '@lockstep/agent/ports.ts';
import { newOperation, type OperationState } from '@lockstep/coordinator/core/state.ts';
import { modelPlan } from '@lockstep/coordinator/core/testing/driver.ts';
import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type {
  CoordinatorView,
  EtcdProcess,
  Incarnation,
  Name,
  NodeView,
  SimEvent,
  StoreView,
  WorldView,
} from '../world/view.ts';
import { type Check, type Invariant } from './invariant.ts';

type Mutable<T> = T extends (infer Each)[] | readonly (infer Each)[]
  ? Mutable<Each>[]
  : T extends ReadonlyMap<infer Key, infer Value>
    ? Map<Key, Mutable<Value>>
    : T extends bigint | string | number | boolean | undefined
      ? T
      : { -readonly [K in keyof T]: Mutable<T[K]> };

export type MadeNode = Mutable<Omit<NodeView, 'stores' | 'ledger'>> & {
  stores: Map<number, Mutable<StoreView>>;
  ledger: {
    ledgerId: string;
    promised: NodeView['ledger']['promised'];
    operation: OperationRecord | undefined;
    records: number;
  };
};
export type MadeWorld = Omit<{ -readonly [K in keyof WorldView]: WorldView[K] }, 'nodes' | 'coordinators'> & {
  nodes: [MadeNode, MadeNode, MadeNode];
  coordinators: [MadeCoordinator];
};
type MadeCoordinator = { -readonly [K in keyof CoordinatorView]: CoordinatorView[K] };

const OLD_INODE = 10;
const NEW_INODE = 20;

const THERE: Name = { volatile: 1, durable: 1 };
const NOT_THERE: Name = { volatile: 0, durable: 0 };

export const EVENT: SimEvent = {
  kind: 'timer',
  what: 'time passes',
  node: -1,
  coordinator: -1,
  phase: Phase.PHASE_SWAP,
  fault: undefined,
};

/** Three nodes on which OLD serves and NEW is built; a world in which nothing is broken. */
export function calmWorld(): MadeWorld {
  const plan = modelPlan();
  return {
    nowMs: 1_000_000,
    events: 1,
    last: EVENT,
    plan,
    phase: Phase.PHASE_SWAP,
    nodes: [calmNode(0), calmNode(1), calmNode(2)],
    coordinators: [
      {
        index: 0,
        name: 'c1',
        up: true,
        paused: false,
        leads: true,
        run: 1,
        state: newOperation(plan, { number: 1n, coordinatorId: 'c1' }, 1_000_000),
        cutTo: new Set(),
        cutFrom: new Set(),
      },
    ],
    writes: [],
    excuses: [],
    faults: [],
    end: undefined,
  };
}

function calmNode(index: number): MadeNode {
  const everything = (name: Name): Record<Component, Name> => ({
    etcd: { ...name },
    'kube-apiserver': { ...name },
    'kube-controller-manager': { ...name },
    'kube-scheduler': { ...name },
  });
  return {
    index,
    name: `cp${index + 1}`,
    leftOut: false,
    gone: false,
    powered: true,
    agent: { up: true, paused: false, run: 1, effectInFlight: false },
    ledger: {
      ledgerId: `ledger-${index + 1}`,
      promised: { number: 1n, coordinatorId: 'c1' },
      operation: operation('open'),
      records: 1,
    },
    kubelet: { running: true, paused: false, hold: { ...NOT_THERE }, holdLoaded: false, sawApi: true },
    liveManifests: everything(THERE),
    parkedManifests: everything(NOT_THERE),
    inPlace: { volatile: OLD_INODE, durable: OLD_INODE },
    other: { volatile: NEW_INODE, durable: NEW_INODE },
    stores: new Map([
      [OLD_INODE, store(OLD_INODE, 'old')],
      [NEW_INODE, store(NEW_INODE, 'new')],
    ]),
    oldInode: OLD_INODE,
    etcds: [etcd(100 + index, 'old')],
    apiServers: [{ pid: 200 + index, ready: true, incarnation: 'old', startedBy: 'kubelet' }],
    effect: undefined,
  };
}

export function store(inode: number, incarnation: Incarnation): Mutable<StoreView> {
  return {
    inode,
    incarnation,
    content: 'complete',
    durable: 'complete',
    intact: true,
    removed: false,
    contentSha256: incarnation,
  };
}

export function etcd(pid: number, incarnation: Incarnation): Mutable<EtcdProcess> {
  const inode = incarnation === 'old' ? OLD_INODE : NEW_INODE;
  return { pid, inode, incarnation, waitsForLock: false, serving: true, mixed: false, startedBy: 'kubelet' };
}

export function operation(
  phase: OperationRecord['phase'],
  effects: readonly EffectRecord[] = [],
): OperationRecord {
  return { operationId: 'r-1', plan: new Uint8Array(), planSha256: '', openedMs: 0, phase, effects };
}

export function effect(step: RunnableStep, completedMs: number | undefined = 1): EffectRecord {
  const epoch = { number: 1n, coordinatorId: 'c1' };
  return { sequence: step, step, epoch, intendedMs: 1, intent: null, completedMs, completion: null };
}

/** Puts a ledger's operation in, as a record does. */
export function record(node: MadeNode, changed: OperationRecord): void {
  node.ledger.operation = changed;
  node.ledger.records += 1;
}

/** OLD and NEW change places, as the product does it: fenced, and synced. */
export function swapProperly(node: MadeNode): void {
  fenceProperly(node);
  node.inPlace = { volatile: NEW_INODE, durable: NEW_INODE };
  node.other = { volatile: OLD_INODE, durable: OLD_INODE };
}

export function fenceProperly(node: MadeNode): void {
  node.kubelet = { ...node.kubelet, running: false, hold: { ...THERE } };
  for (const component of Object.keys(node.liveManifests) as Component[]) {
    node.liveManifests[component] = { ...NOT_THERE };
    node.parkedManifests[component] = { ...THERE };
  }
  node.etcds = [];
  node.apiServers = [];
}

export function withState(world: MadeWorld, state: OperationState): void {
  world.coordinators[0].state = state;
}

/** What the invariant says of the world before the change (it must hold) and after it. */
export function broken(
  invariant: Invariant,
  change: (world: MadeWorld) => void,
  before: (world: MadeWorld) => void = () => {},
): string | undefined {
  const world = calmWorld();
  before(world);
  const check: Check = invariant.watch();
  const early = check(world);
  if (early !== undefined) throw new Error(`broken before the change: ${early}`);
  world.events += 1;
  change(world);
  return check(world);
}

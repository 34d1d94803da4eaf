import type { RunnableStep } from '@lockstep/agent/core/operation.ts';
import { STEP_NAMES } from '@lockstep/agent/core/operation.ts';
import type { Component } from '@lockstep/agent/ports.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { NodeView, WorldView } from '../world/view.ts';
import { type Invariant, isExcused, perNode, storeAt, wasHandled } from './invariant.ts';

/**
 * Invariant 9, at its root: a completion in the ledger is what an answer rests on, and it says
 * that the effect would survive a power loss at this moment. What each step claims of the disk is
 * below. Excused are claims about manifests on a node where an outside hand puts them back, and all
 * claims of an agent whose ledger was lost or rewound: it no longer knows what was exchanged.
 */
export const completedIsDurable: Invariant = {
  name: 'completed-is-durable',
  promise: 'What was acknowledged was synced first.',
  watch() {
    let seen: { records: number; completed: number }[] | undefined;
    return (world) => {
      seen ??= perNode(world, (node) => ({
        records: node.ledger.records,
        completed: completionsOf(node).length,
      }));
      for (const node of world.nodes) {
        const then = seen[node.index];
        if (then === undefined || then.records === node.ledger.records) continue;
        const grew = node.ledger.records > then.records;
        then.records = node.ledger.records;
        const completions = completionsOf(node);
        const isNew = grew && completions.length > then.completed;
        then.completed = completions.length;
        if (!isNew) continue;
        const step = completions.at(-1);
        const how = step === undefined ? undefined : lacking(world, node, step);
        if (how !== undefined && step !== undefined && !isExcused(world, 'ledger-only-grows', node.index)) {
          return `${node.name}: ${STEP_NAMES[step]} is recorded as done, and ${how}`;
        }
      }
      return undefined;
    };
  },
};

/** One effect is in flight at a time, so that the last to be completed is the last in the list. */
function completionsOf(node: NodeView): RunnableStep[] {
  const effects = node.ledger.operation?.effects ?? [];
  return effects.flatMap((effect) => (effect.completedMs === undefined ? [] : [effect.step]));
}

/** What a power loss would take of that which this step says it has done. */
function lacking(world: WorldView, node: NodeView, step: RunnableStep): string | undefined {
  const isHandled = wasHandled(world, node.index);
  switch (step) {
    case Step.STEP_BUILD: {
      if (node.other.durable !== node.other.volatile) return 'the name of NEW is not synced';
      return storeAt(node, node.other.durable)?.durable === 'complete' ? undefined : 'NEW is not synced';
    }
    case Step.STEP_FENCE_API:
    case Step.STEP_SET_ASIDE:
      if (node.kubelet.hold.durable === 0) return 'the hold on kubelet is not synced';
      return isHandled ? undefined : parkedOnly(node);
    case Step.STEP_SWAP:
      if (node.inPlace.volatile === node.oldInode) return 'OLD is in place';
      return exchangeSynced(node);
    case Step.STEP_START_KUBELET:
      return node.kubelet.hold.durable === 0 ? undefined : 'the hold on kubelet would be back';
    case Step.STEP_START_ETCD:
      return isBack(node, 'etcd');
    case Step.STEP_START_API:
      return isBack(node, 'kube-apiserver');
    case Step.STEP_START_CONTROLLERS:
      return isBack(node, 'kube-controller-manager') ?? isBack(node, 'kube-scheduler');
    case Step.STEP_UNDO_STOP:
      if (node.inPlace.volatile !== node.oldInode) return 'OLD is not in place';
      // Where nothing was ever exchanged a half-built NEW may lie beside it, and is nobody's matter.
      return node.inPlace.durable === node.oldInode && node.other.durable !== node.oldInode
        ? undefined
        : 'the exchange is not synced';
    case Step.STEP_UNDO_START:
      if (node.inPlace.durable !== node.oldInode) return 'OLD would not be in place';
      if (node.kubelet.hold.durable !== 0) return 'the hold on kubelet would be back';
      for (const component of COMPONENTS) {
        const how = isBack(node, component);
        if (how !== undefined) return how;
      }
      return undefined;
    default:
      return undefined;
  }
}

const COMPONENTS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
] as const satisfies readonly Component[];

/** A component that is nowhere is not of this node. */
function isBack(node: NodeView, component: Component): string | undefined {
  const live = node.liveManifests[component];
  const parked = node.parkedManifests[component];
  if (live.volatile === 0 && parked.volatile === 0) return undefined;
  return live.durable === 0 ? `the manifest of ${component} would not be in place` : undefined;
}

function parkedOnly(node: NodeView): string | undefined {
  const back = COMPONENTS.find((component) => node.liveManifests[component].durable !== 0);
  if (back !== undefined) return `the manifest of ${back} would be in place`;
  const lost = COMPONENTS.find(
    (component) => node.parkedManifests[component].volatile !== node.parkedManifests[component].durable,
  );
  return lost === undefined ? undefined : `the parked manifest of ${lost} is not synced`;
}

function exchangeSynced(node: NodeView): string | undefined {
  const isSynced =
    node.inPlace.durable === node.inPlace.volatile && node.other.durable === node.other.volatile;
  return isSynced ? undefined : 'the exchange is not synced';
}

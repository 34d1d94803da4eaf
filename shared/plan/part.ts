import { Step } from '../generated/lockstep/v1/agent.ts';
import type { NodePlan } from '../generated/lockstep/v1/plan.ts';

/** What of a node's plan says which steps it takes. */
export type PlannedPart = Pick<NodePlan, 'etcd' | 'hosting' | 'manifests'>;

/**
 * Who takes a step of a restore: whoever has something to do in it, and nobody else.
 *
 * - `everybody`: also who has neither store nor API server has to be told, asked or held.
 * - `members`: nodes that run an etcd member; only there is a store to build, exchange and start.
 * - `kubelets`: nodes whose kubelet runs a part of the control plane.
 *
 * The fence is everybody's. A node that is left out of it goes on writing: one without a member
 * by its API server, over the network, into whichever store answers.
 */
export type Takers = 'everybody' | 'members' | 'kubelets';

const TAKERS: Record<Step, Takers> = {
  [Step.STEP_UNSPECIFIED]: 'everybody',
  [Step.STEP_STAGE]: 'members',
  [Step.STEP_BUILD]: 'members',
  [Step.STEP_SAFEGUARD]: 'everybody',
  [Step.STEP_REINSPECT]: 'everybody',
  [Step.STEP_FENCE_API]: 'everybody',
  [Step.STEP_FENCE_ETCD]: 'members',
  [Step.STEP_SWAP]: 'members',
  [Step.STEP_START_KUBELET]: 'kubelets',
  [Step.STEP_START_ETCD]: 'members',
  [Step.STEP_PREPARE_GATE]: 'members',
  [Step.STEP_START_API]: 'kubelets',
  // Stale leases go here as well, and they lie where the members are.
  [Step.STEP_START_CONTROLLERS]: 'everybody',
  [Step.STEP_CLOSE]: 'everybody',
  [Step.STEP_UNDO_STOP]: 'everybody',
  [Step.STEP_UNDO_START]: 'everybody',
  [Step.STEP_UNDO_VERIFY]: 'everybody',
  [Step.STEP_SET_ASIDE]: 'members',
  [Step.STEP_REJOIN_ADMIT]: 'members',
  [Step.STEP_REJOIN_EMPTY]: 'members',
  [Step.STEP_REJOIN_START]: 'members',
  [Step.STEP_REJOIN_PROMOTE]: 'members',
  [Step.STEP_REJOIN_SERVE]: 'members',
  [Step.STEP_REJOIN_BACK]: 'members',
};

/** Whether a node takes a step. Coordinator and agent ask the same rule. */
export function takesStep(node: PlannedPart, step: Step): boolean {
  const takers = TAKERS[step];
  switch (takers) {
    case 'everybody':
      return true;
    case 'members':
      return hasMember(node);
    case 'kubelets':
      return runsKubelet(node);
    default:
      return takers satisfies never;
  }
}

export function hasMember<N extends Pick<NodePlan, 'etcd'>>(
  node: N,
): node is N & { readonly etcd: NonNullable<NodePlan['etcd']> } {
  return node.etcd !== undefined;
}

/** Whether kubelet runs a part of the control plane here. Only where etcd is a unit may there be none. */
export function runsKubelet({ hosting, manifests }: PlannedPart): boolean {
  return hosting !== 'systemd' || manifests.some(({ component }) => component !== '');
}

/** Whether the API server runs on another node than the member, somewhere in these. */
export function isExternal(nodes: readonly PlannedPart[]): boolean {
  return nodes.some((node) => !hasMember(node));
}

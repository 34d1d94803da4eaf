import { callName, type Point, parsePoint } from '../failpoints/point.ts';
import { COUNTED, COUNTED_IN_STEP, NOT_KILLED_AT } from './calls.ts';

/** Where in an operation a point lies: how many may be killed at in one go depends on it. */
export const STRETCHES = ['start', 'plan', 'prepare', 'downtime', 'forward', 'undo'] as const;
export type Stretch = (typeof STRETCHES)[number];

/** A point to kill a program at. */
export interface Target {
  readonly name: string;
  readonly point: Point;
  readonly stretch: Stretch;
  /** Programs that were seen to cross it: nodes, or `coordinator`. */
  readonly crossedBy: readonly string[];
}

const AGENT_STRETCHES: Readonly<Record<string, Stretch>> = {
  start: 'start',
  Promise: 'prepare',
  ReadSnapshot: 'prepare',
  STEP_STAGE: 'prepare',
  STEP_BUILD: 'prepare',
  STEP_SAFEGUARD: 'prepare',
  STEP_REINSPECT: 'prepare',
  STEP_FENCE_API: 'downtime',
  STEP_FENCE_ETCD: 'downtime',
  STEP_SWAP: 'downtime',
  STEP_START_KUBELET: 'downtime',
  STEP_START_ETCD: 'downtime',
  STEP_PREPARE_GATE: 'downtime',
  ObserveMember: 'downtime',
  Commit: 'downtime',
  STEP_START_API: 'forward',
  STEP_START_CONTROLLERS: 'forward',
  STEP_CLOSE: 'forward',
  STEP_UNDO_STOP: 'undo',
  STEP_UNDO_START: 'undo',
  STEP_UNDO_VERIFY: 'undo',
};

const COORDINATOR_STRETCHES: Readonly<Record<string, Stretch>> = {
  'journal.load': 'start',
  'agent.describe': 'plan',
  'agent.compareLive': 'plan',
  'agent.listSnapshots': 'plan',
  'agent.verifySnapshot': 'plan',
  'plans.put': 'plan',
  'service.planRestore': 'plan',
  'agent.observeMember': 'downtime',
  'agent.commit': 'downtime',
  'journal.end': 'forward',
  'journal.append@operationEnded': 'forward',
  'journal.append@undoStarted': 'undo',
  'journal.append@nodeFailed': 'undo',
};

export function stretchOf({ program, port, method, step }: Point): Stretch {
  if (program === 'agent') return AGENT_STRETCHES[step] ?? 'plan';
  const call = callName(port, method);
  return (
    COORDINATOR_STRETCHES[`${call}@${step}`] ??
    COORDINATOR_STRETCHES[call] ??
    (call === 'agent.execute' ? (AGENT_STRETCHES[step] ?? 'prepare') : 'prepare')
  );
}

export function callOf({ program, port, method }: Point): string {
  return `${program}:${callName(port, method)}`;
}

/** What a recording crossed, as targets, in the order in which they were crossed first. */
export function targetsOf(crossedBy: ReadonlyMap<string, readonly string[]>): Target[] {
  const found = new Map<string, string[]>();
  for (const [program, names] of crossedBy) {
    for (const name of new Set(names)) found.set(name, [...(found.get(name) ?? []), program]);
  }
  return [...found].flatMap(([name, programs]) => {
    const point = parsePoint(name);
    if (callOf(point) in NOT_KILLED_AT || !isCounted(point)) return [];
    return [{ name, point, stretch: stretchOf(point), crossedBy: programs }];
  });
}

function isCounted(point: Point): boolean {
  if (point.occurrence === 1) return true;
  const call = callOf(point);
  return COUNTED.has(call) || COUNTED_IN_STEP.has(`${call}@${point.step}`);
}

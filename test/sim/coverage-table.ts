import type { RunnableStep } from '@lockstep/agent/core/operation.ts';
import {
  CLOSE_POSITION,
  COMMIT_POSITION,
  FORWARD_STEPS,
  UNDO_STEPS,
} from '@lockstep/coordinator/core/phases.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { CIRCUMSTANCES } from './checkers/needs-operator.ts';
import { askCell, faultCell, stepCell } from './coverage.ts';
import { OUTCOMES } from './outcomes.ts';
import { FAULT_KINDS, type FaultKind } from './world/faults.ts';
import { SET_ASIDE, type SimPhase, simPhaseName } from './world/sim-phase.ts';

/** Cells that cannot be hit, each with the reason why. */
export interface Impossible {
  readonly cells: readonly string[];
  readonly why: string;
}

/** Where an operation can stand while something happens. */
export const PHASES = [
  Phase.PHASE_PROMISE,
  Phase.PHASE_STAGE,
  Phase.PHASE_BUILD,
  Phase.PHASE_SAFEGUARD,
  Phase.PHASE_REINSPECT,
  Phase.PHASE_FENCE,
  Phase.PHASE_SWAP,
  Phase.PHASE_START_ETCD,
  Phase.PHASE_COMMIT,
  Phase.PHASE_START_API,
  Phase.PHASE_START_CONTROLLERS,
  Phase.PHASE_REPORT,
  Phase.PHASE_UNDO,
  SET_ASIDE,
] as const;

const GATE_POSITION = FORWARD_STEPS.findIndex(({ ask }) => ask.kind === 'gate');

/** Every move that the coordinator's core can make. One that is seen and not listed is unforeseen. */
export const TRANSITIONS: readonly string[] = [...moves()].map((move) => `transition ${move}`);

function* moves(): Generator<string> {
  yield 'none -> forward.0';
  yield 'none -> settle.survey';
  // Of one node that does not take the plan there is nothing to undo.
  yield 'forward.0 -> ended.refused';
  yield 'forward.0 -> ended.rolled-back';
  for (const position of FORWARD_STEPS.keys()) {
    const here = `forward.${position}`;
    if (position < CLOSE_POSITION) yield `${here} -> forward.${position + 1}`;
    if (position < COMMIT_POSITION) yield `${here} -> undo.0`;
    // A promise that is refused is a node's own failure, and the gate commands nobody.
    if (position > 0 && position !== GATE_POSITION) yield `${here} -> superseded`;
  }
  yield `forward.${COMMIT_POSITION} -> settle.survey`;
  // Its rounds are used up.
  yield `forward.${COMMIT_POSITION} -> ended.needs-operator`;
  yield `forward.${CLOSE_POSITION} -> ended.restored`;
  yield `forward.${CLOSE_POSITION} -> ended.needs-operator`;
  // With a node left behind nothing is closed.
  yield `forward.${CLOSE_POSITION - 1} -> ended.needs-operator`;
  // Nor is anybody asked for anything where all are.
  yield `forward.${CLOSE_POSITION - 2} -> ended.needs-operator`;
  for (const index of UNDO_STEPS.keys()) {
    const here = `undo.${index}`;
    if (index + 1 < UNDO_STEPS.length) yield `${here} -> undo.${index + 1}`;
    yield `${here} -> ended.needs-operator`;
    yield `${here} -> superseded`;
  }
  // Where nobody has anything to undo, all its steps are over at once.
  for (const index of UNDO_STEPS.keys()) {
    yield `undo.${index} -> ended.rolled-back`;
    yield `undo.${index} -> ended.refused`;
  }
  // A node that was away when promises were asked for; later in the undo, where another coordinator
  // took it over between two steps.
  for (const index of UNDO_STEPS.keys()) yield `undo.${index} -> settle.survey`;
  yield 'settle.survey -> settle.promise';
  // Nobody is left who obeys.
  yield 'settle.survey -> settle.read';
  yield 'settle.promise -> settle.read';
  yield 'settle.promise -> settle.survey';
  yield 'settle.promise -> superseded';
  yield 'settle.read -> settle.survey';
  // A node obeys another, round after round.
  yield 'settle.read -> superseded';
  // Once one ledger was read nobody is waited for longer than the grace.
  for (const part of ['survey', 'read']) yield `settle.${part} -> ended.needs-operator`;
  // From the furthest step begun; the gate is no step of an agent's.
  for (const position of FORWARD_STEPS.keys()) {
    if (position <= COMMIT_POSITION && position !== GATE_POSITION) yield `settle.read -> forward.${position}`;
  }
  yield 'settle.read -> undo.0';
  yield 'settle.read -> ended.restored';
  yield 'settle.read -> ended.rolled-back';
  // By way of an undo that nobody takes part in.
  yield 'settle.read -> ended.refused';
  // A coordinator that stood back takes over, and one that ended it finds who was away.
  yield 'superseded -> settle.survey';
  for (const outcome of OUTCOMES) if (outcome !== 'unended') yield `ended.${outcome} -> settle.survey`;
}

/** Every step on an agent, of a restore, its undo and what sets a node aside: taken up, recorded as done, taken up again. */
export const STEP_CELLS: readonly string[] = [
  ...FORWARD_STEPS.flatMap(({ ask }) => (ask.kind === 'execute' ? [ask.step] : [])),
  ...UNDO_STEPS.map(({ step }) => step),
  Step.STEP_SET_ASIDE,
].flatMap((step) =>
  (['begun', 'done', 'again'] as const).map((event) => stepCell(step as RunnableStep, event)),
);

/** Every circumstance in which a person is asked: one that never comes about is none. */
export const ASK_CELLS: readonly string[] = CIRCUMSTANCES.flatMap(({ codes }) =>
  codes.slice(0, 1).map(askCell),
);

export const FAULT_CELLS: readonly string[] = FAULT_KINDS.flatMap((kind) =>
  PHASES.map((phase) => faultCell(kind, simPhaseName(phase))),
);

function faultsIn(kinds: readonly FaultKind[], phases: readonly SimPhase[]): string[] {
  return kinds.flatMap((kind) => phases.map((phase) => faultCell(kind, simPhaseName(phase))));
}

const CRASHES_AT_EFFECTS = [
  'crash-before-effect',
  'crash-after-effect',
  'crash-before-sync',
  'crash-after-sync',
] as const satisfies readonly FaultKind[];

const BEFORE_FENCE = PHASES.slice(0, PHASES.indexOf(Phase.PHASE_FENCE));

/** The one list of what cannot be. Nothing else may stay below what is required. */
export const IMPOSSIBLE: readonly Impossible[] = [
  {
    cells: faultsIn(CRASHES_AT_EFFECTS, [Phase.PHASE_PROMISE]),
    why: 'A promise is one record in the ledger, and no step was asked for yet that could be repeated late.',
  },
  {
    cells: faultsIn(['crash-before-effect', 'crash-after-effect'], [Phase.PHASE_REPORT]),
    why: 'A close is one record in the ledger, and a late repeat of the step before it finds its manifests there: it syncs, and changes nothing.',
  },
  {
    cells: faultsIn(['outside-manifest'], [...BEFORE_FENCE, Phase.PHASE_REPORT]),
    why: 'No manifest is out, so none can be put back.',
  },
];

export interface CoverageRow {
  readonly cell: string;
  readonly hits: number;
  readonly why: string | undefined;
}

export interface Coverage {
  readonly rows: readonly CoverageRow[];
  /** Possible, and hit less than required. */
  readonly missing: readonly CoverageRow[];
  /** Hit although listed as impossible, or listed nowhere. */
  readonly unforeseen: readonly CoverageRow[];
}

export function coverageOf(hits: Readonly<Record<string, number>>, required: number): Coverage {
  const reasons = new Map(IMPOSSIBLE.flatMap(({ cells, why }) => cells.map((cell) => [cell, why] as const)));
  const known = new Set([...TRANSITIONS, ...STEP_CELLS, ...ASK_CELLS, ...FAULT_CELLS]);
  const rows = [...known].map((cell) => ({ cell, hits: hits[cell] ?? 0, why: reasons.get(cell) }));
  const strangers = Object.keys(hits)
    .filter((cell) => !known.has(cell))
    .map((cell) => ({ cell, hits: hits[cell] ?? 0, why: undefined }));
  return {
    rows,
    missing: rows.filter((row) => row.why === undefined && row.hits < required),
    unforeseen: [...strangers, ...rows.filter((row) => row.why !== undefined && row.hits > 0)],
  };
}

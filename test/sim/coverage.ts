import { type RunnableStep, STEP_NAMES } from '@lockstep/agent/core/operation.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { circumstanceOf } from './checkers/needs-operator.ts';
import { outcomeOf } from './outcomes.ts';
import type { OperationResult } from './world/operation.ts';
import { simPhaseName } from './world/sim-phase.ts';
import type { WorldView } from './world/view.ts';

/** What became of a step on an agent; `again`: it was intended before. */
export type StepEvent = 'begun' | 'done' | 'again';

export interface StepWatch {
  readonly counts: ReadonlyMap<string, number>;
  see(world: WorldView): void;
}

/** Counts what agents record of their steps in one operation, by the name of the cell. */
export function watchSteps(): StepWatch {
  const counts = new Map<string, number>();
  const seen: { records: number; begun: number; done: number }[] = [];
  const hit = (cell: string): void => void counts.set(cell, (counts.get(cell) ?? 0) + 1);
  return {
    counts,
    see(world) {
      for (const { index, ledger } of world.nodes) {
        const then = (seen[index] ??= { records: ledger.records, begun: 0, done: 0 });
        if (then.records === ledger.records) continue;
        then.records = ledger.records;
        const effects = ledger.operation?.effects ?? [];
        const done = effects.filter((effect) => effect.completedMs !== undefined);
        const begun = effects.at(-1);
        if (effects.length > then.begun && begun !== undefined) {
          const isFirst = effects.every((each) => each === begun || each.step !== begun.step);
          hit(stepCell(begun.step, isFirst ? 'begun' : 'again'));
        }
        const last = done.at(-1);
        if (done.length > then.done && last !== undefined) hit(stepCell(last.step, 'done'));
        then.begun = effects.length;
        then.done = done.length;
      }
    },
  };
}

/** The cells of a table that one operation hit. */
export function* cellsOf({
  transitions,
  faults,
  outcome,
  code,
}: Pick<OperationResult, 'transitions' | 'faults' | 'outcome' | 'code'>): Generator<string> {
  if (outcome === Outcome.OUTCOME_NEEDS_OPERATOR) yield askCell(code);
  for (const transition of transitions) yield `transition ${transition.replace(ENDED, named)}`;
  for (const { kind, phase } of faults) yield faultCell(kind, simPhaseName(phase));
}

/** The world says an outcome by its number. */
const ENDED = /ended\.(\d)/;

function named(_all: string, outcome: string): string {
  return `ended.${outcomeOf(Number(outcome) as Outcome)}`;
}

export function stepCell(step: RunnableStep, event: StepEvent): string {
  return `step ${STEP_NAMES[step]} ${event}`;
}

/** An operation that ended asking a person, by the circumstance; a code that is in none stands for itself. */
export function askCell(code: string): string {
  return `needs-operator ${circumstanceOf(code)?.name ?? code}`;
}

export function faultCell(kind: string, phase: string): string {
  return `fault ${kind} in ${phase}`;
}

import type { CopyOutcome } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { type Layout, wrap } from './layout.ts';
import { failure } from './refusals.ts';

/** What became of the copies that a save makes by itself; nothing where none were asked for. */
export function copyOutcomes(layout: Layout, outcomes: readonly CopyOutcome[]): string[] {
  const made = outcomes.filter(({ failure: why }) => why === undefined).map(({ place }) => place);
  return [
    ...(made.length === 0 ? [] : ['', ...wrap(layout, `Copied to ${made.join(', ')}.`)]),
    ...outcomes.flatMap(({ failure: why }) =>
      why === undefined ? [] : ['', ...failure(layout, why, layout.wide)],
    ),
  ];
}

import type { SnapshotVerdict } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { Answer } from './answer.ts';
import { EXIT } from './exit-codes.ts';
import { verdicts } from './render/snapshots.ts';
import { refusalView } from './views/refusals.ts';

/** What was found where a snapshot lies; not sound anywhere is a finding. */
export function verdictAnswer(what: string, list: readonly SnapshotVerdict[]): Answer {
  const code = list.flatMap(({ refusals }) => refusals)[0]?.code;
  return {
    data: { verdicts: list.map((verdict) => ({ ...verdict, refusals: verdict.refusals.map(refusalView) })) },
    names: [what],
    render: (layout) => verdicts(layout, list),
    ...(code === undefined ? {} : { exit: EXIT.findings, code }),
  };
}

import type {
  Operation,
  OperationNode,
  OperationReport,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { LeftOut, RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { PlanKind } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { phaseName } from '../../core/phases.ts';
import { fields, heading, type Layout, symbols, type Tone, tone, wrap } from './layout.ts';
import { approvedWords, command, consequences } from './plan.ts';
import { failure } from './refusals.ts';
import { type Column, table } from './table.ts';
import { age, duration, instant } from './units.ts';
import { OUTCOME_SENTENCES, type OutcomeWord, outcomeWord, personWord } from './words.ts';

const OUTCOME_TONES: Record<OutcomeWord, Tone> = {
  running: 'cyan',
  restored: 'green',
  'rolled-back': 'yellow',
  refused: 'yellow',
  'needs-operator': 'red',
};

export function operationList(layout: Layout, operations: readonly Operation[], nowMs: number): string[] {
  if (operations.length === 0) return wrap(layout, 'There are no operations.');
  const columns: Column<Operation>[] = [
    { title: 'OPERATION', value: ({ operationId }) => operationId },
    {
      title: 'OUTCOME',
      value: ({ outcome }) => outcomeWord(outcome),
      tone: ({ outcome }) => OUTCOME_TONES[outcomeWord(outcome)],
    },
    { title: 'PHASE', value: ({ phase, undoing }) => (undoing ? 'undo' : phaseName(phase)) },
    { title: 'AGE', value: ({ startedMs }) => age(Number(startedMs), nowMs), align: 'right' },
    {
      title: 'TOOK',
      value: ({ startedMs, endedMs }) => (endedMs === 0n ? '-' : duration(endedMs - startedMs)),
      align: 'right',
      dropAt: 2,
    },
    { title: 'ASKED BY', value: ({ requestedBy }) => personWord(requestedBy), dropAt: 1 },
    { title: 'STARTED', value: ({ startedMs }) => instant(startedMs), wide: true, dropAt: 3 },
    {
      title: 'EPOCH',
      value: ({ epoch }) => (epoch === undefined ? '-' : `${epoch.number}/${epoch.coordinatorId}`),
      wide: true,
      dropAt: 4,
    },
    { title: 'FAILURE', value: ({ failure: why }) => why?.code ?? '-', wide: true, dropAt: 5 },
  ];
  return table(layout, columns, operations);
}

/** Where an operation stands and what is true on each node. */
export function operationStatus(layout: Layout, operation: Operation, nowMs: number): string[] {
  const outcome = outcomeWord(operation.outcome);
  const running = outcome === 'running';
  return [
    heading(layout, `Restore ${operation.operationId}`),
    ...fields(layout, [
      ['Cluster', operation.cluster],
      ['Asked by', personWord(operation.requestedBy)],
      ['Started', instant(operation.startedMs)],
      [
        running ? 'Running' : 'Took',
        duration((running ? nowMs : Number(operation.endedMs)) - Number(operation.startedMs)),
      ],
      ['Phase', operation.undoing ? `undo (from ${phaseName(operation.phase)})` : phaseName(operation.phase)],
    ]),
    '',
    ...verdict(layout, outcome),
    ...(operation.failure === undefined ? [] : ['', ...failure(layout, operation.failure)]),
    '',
    ...nodeStates(layout, operation.nodes),
    ...truths(layout, operation.nodes),
    ...whatNext(layout, operation, outcome),
  ];
}

export function verdict(
  layout: Layout,
  outcome: OutcomeWord,
  sentence = OUTCOME_SENTENCES[outcome],
): string[] {
  const mark =
    outcome === 'restored'
      ? symbols(layout).done
      : outcome === 'rolled-back'
        ? symbols(layout).undone
        : outcome === 'running'
          ? symbols(layout).running
          : symbols(layout).failed;
  return wrap(layout, `${mark} ${outcome}: ${sentence}`, 2, 0).map((line) =>
    tone(layout, OUTCOME_TONES[outcome], line),
  );
}

function nodeStates(layout: Layout, nodes: readonly OperationNode[]): string[] {
  const columns: Column<OperationNode>[] = [
    { title: 'NODE', value: ({ node }) => node },
    { title: 'PHASE', value: ({ phase }) => phaseName(phase) || '-' },
    {
      title: 'STATE',
      value: ({ done, step, failure: why }) =>
        why === undefined ? (done ? 'done' : step || 'waiting') : why.code,
      tone: ({ failure: why }) => (why === undefined ? undefined : 'red'),
    },
  ];
  return nodes.length === 0 ? [] : table(layout, columns, byName(nodes));
}

function truths(layout: Layout, nodes: readonly OperationNode[]): string[] {
  const known = byName(nodes).filter(({ truth }) => truth !== '');
  return known.length === 0
    ? []
    : [
        '',
        heading(layout, 'What is true'),
        ...fields(
          layout,
          known.map(({ node, truth }) => [node, truth]),
        ),
      ];
}

function whatNext(layout: Layout, { operationId }: Operation, outcome: OutcomeWord): string[] {
  switch (outcome) {
    case 'running':
      return ['', ...command(layout, `lockstep restore watch ${operationId}`)];
    case 'needs-operator':
      return [
        '',
        ...wrap(layout, 'Once the nodes are mended, go on with'),
        ...command(layout, `lockstep restore resume ${operationId}`),
      ];
    case 'restored':
    case 'rolled-back':
      return ['', ...command(layout, `lockstep restore report ${operationId}`)];
    default:
      return [];
  }
}

export interface ReportPage {
  readonly operation: Operation;
  readonly plan: RestorePlan | undefined;
  readonly report: OperationReport;
}

/** What was done, how long the API was gone, what it changed, and what is left for a person to do. */
export function operationReport(layout: Layout, { operation, plan, report }: ReportPage): string[] {
  const outcome = outcomeWord(operation.outcome);
  return [
    heading(layout, `Report of ${operation.operationId}`),
    ...fields(layout, [
      ['Cluster', operation.cluster],
      ['Snapshot', plan?.snapshot?.id ?? ''],
      ['Takes back', plan?.kind === PlanKind.PLAN_KIND_UNSPECIFIED ? plan.subjectOperationId : ''],
      ['Re-joins', plan?.rejoins?.node ?? ''],
      ['Reason', plan?.reason ?? ''],
      ['Asked by', personWord(operation.requestedBy)],
      ['Started', instant(operation.startedMs)],
      ['Approved', report.approval === undefined ? '' : approvedWords(report.approval)],
      ['Left out', report.leftOut.map(leftOutWords).join(', ')],
      ['Ended', operation.endedMs === 0n ? 'still running' : instant(operation.endedMs)],
    ]),
    '',
    ...verdict(layout, outcome, plan === undefined ? undefined : sentenceOf(plan, outcome)),
    ...(operation.failure === undefined ? [] : ['', ...failure(layout, operation.failure)]),
    '',
    heading(layout, 'Phases'),
    ...table(
      layout,
      [
        { title: 'PHASE', value: ({ phase }) => phaseName(phase) },
        { title: 'TOOK', value: ({ durationMs }) => duration(durationMs), align: 'right' },
      ],
      report.phases,
      2,
    ),
    '',
    heading(layout, 'Downtime and proof'),
    ...fields(layout, [
      [
        'API gone',
        report.downtimeMs === 0n
          ? 'never'
          : `${duration(report.downtimeMs)}, as the agents saw it${plan === undefined ? '' : `; about ${duration(plan.expectedOutageMs)} were expected`}`,
      ],
      [
        'Same content',
        report.hashKv === ''
          ? ''
          : `HashKV ${report.hashKv} at revision ${report.hashRevision} on every member`,
      ],
      ['New cluster id', report.newClusterId],
    ]),
    ...(report.consequences === undefined || outcome !== 'restored'
      ? []
      : ['', heading(layout, 'What it changed'), ...consequences(layout, report.consequences)]),
    ...(report.kept.length === 0
      ? []
      : [
          '',
          heading(layout, 'Where the old store is kept'),
          ...fields(
            layout,
            byName(report.kept).map(({ node, path }) => [node, path]),
          ),
        ]),
    ...truths(layout, operation.nodes),
    ...(report.advice.length === 0
      ? []
      : [
          '',
          heading(layout, 'What to do now'),
          ...report.advice.flatMap((advice, index) => wrap(layout, `${index + 1}. ${advice}`, 5, 2)),
        ]),
  ];
}

/** Undefined: what it says of every restore. */
function sentenceOf({ kind, leftOut, rejoins }: RestorePlan, outcome: OutcomeWord): string | undefined {
  const node = rejoins?.node ?? '';
  if (kind === PlanKind.PLAN_KIND_REJOIN && outcome === 'restored') {
    return `${node} is a member again and serves.`;
  }
  if (kind === PlanKind.PLAN_KIND_REJOIN && outcome === 'rolled-back') {
    return `${node} is set aside as before; the others served all the while.`;
  }
  if (leftOut.length > 0 && outcome === 'restored') {
    return 'The cluster runs from the snapshot, on every node that took part.';
  }
  return undefined;
}

function leftOutWords({ node, destroyed }: LeftOut): string {
  return destroyed ? `${node} (gone for good)` : node;
}

/** Nodes stand where the eye looks for them, whatever order they were worked in. */
function byName<Row extends { readonly node: string }>(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => (a.node < b.node ? -1 : 1));
}

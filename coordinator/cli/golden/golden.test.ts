import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import { describe, expect, test } from 'vitest';
import { explain } from '../commands/about.ts';
import { advance, emptyProgress, type Progress } from '../progress.ts';
import { catalogueList, deletionPage, marksOf, pruneList, scheduleList } from '../render/catalogue.ts';
import { doctorPage } from '../render/doctor.ts';
import { drilledSnapshots, drillList, drillProof } from '../render/drills.ts';
import { type Layout, widthOf } from '../render/layout.ts';
import { nodeDetails, nodeList } from '../render/nodes.ts';
import { operationList, operationReport, operationStatus } from '../render/operations.ts';
import { planPage } from '../render/plan.ts';
import { eventLine, progressFrame } from '../render/progress.ts';
import { failure } from '../render/refusals.ts';
import { rejoinPage } from '../render/rejoin.ts';
import { snapshotCard, verdicts } from '../render/snapshots.ts';
import { revokedPage, trustList } from '../render/trust.ts';
import * as drills from './drills.ts';
import { ETCD_HOSTS_PLAN } from './etcd-hosts.ts';
import * as evidence from './evidence.ts';
import * as night from './fixtures.ts';
import * as inspected from './inspect.ts';
import * as kept from './keeping.ts';
import * as lost from './lost-nodes.ts';

const { NOW_MS } = night;

/** Every page that a person sees, from the same night. Re-record with UPDATE_GOLDEN=1. */
const PAGES: Record<string, (layout: Layout) => readonly string[]> = {
  'node-list': (layout) => nodeList(layout, night.NODE_STATUSES),
  'node-show': (layout) => nodeDetails(layout, night.NODE_STATUSES[0] as never),
  'snapshot-list': (layout) => catalogueList(layout, kept.ENTRIES, [], NOW_MS),
  'snapshot-pin': (layout) => marksOf(layout, kept.PINNED),
  'snapshot-prune': (layout) => pruneList(layout, kept.DECISIONS, true),
  'snapshot-schedule': (layout) => scheduleList(layout, kept.SCHEDULES, kept.RETENTION, NOW_MS),
  'snapshot-delete-refused': (layout) =>
    deletionPage(layout, night.SNAPSHOT_ID, 'prod', kept.REFUSED_DELETION),
  'snapshot-show': (layout) => snapshotCard(layout, { card: night.CARD, holders: night.STORED }),
  'snapshot-show-unsealed': (layout) =>
    snapshotCard(layout, { card: { ...night.CARD, facts: undefined }, holders: [night.OLDER] }),
  'trust-list': (layout) => trustList(layout, night.REVOCATIONS, []),
  'trust-revoke': (layout) => revokedPage(layout, 'cp2', [night.CARD.id], []),
  'snapshot-verify': (layout) => verdicts(layout, night.VERDICTS),
  'restore-plan': (layout) =>
    planPage(layout, { plan: night.PLAN, refusals: [], warnings: night.WARNINGS, nowMs: NOW_MS }),
  'restore-plan-etcd-hosts': (layout) =>
    planPage(layout, { plan: ETCD_HOSTS_PLAN, refusals: [], warnings: [], nowMs: NOW_MS }),
  'restore-plan-refused': (layout) =>
    planPage(layout, {
      plan: { ...night.PLAN, consequences: undefined },
      refusals: night.REFUSALS,
      warnings: [],
      nowMs: NOW_MS,
    }),
  'restore-plan-of-nothing': (layout) =>
    planPage(layout, {
      plan: { ...night.PLAN, snapshot: undefined, consequences: undefined },
      refusals: night.REFUSALS.slice(0, 1),
      warnings: [],
      nowMs: NOW_MS,
    }),
  'restore-run-building': (layout) => frame(layout, night.BUILDING),
  'restore-run-fencing': (layout) => frame(layout, night.FENCING),
  'restore-run-undoing': (layout) => frame(layout, night.UNDOING),
  'restore-run-away': (layout) =>
    frame(
      layout,
      night.FENCING,
      'The coordinator does not answer; the agents keep what is promised. Trying on.',
    ),
  'restore-watch-lines': (layout) => log(layout, night.RESTORED),
  'restore-watch-undo-lines': (layout) => log(layout, night.UNDOING),
  'restore-list': (layout) => operationList(layout, night.OPERATIONS, NOW_MS + 20 * 60_000),
  'restore-status': (layout) => operationStatus(layout, night.RUNNING_OPERATION, NOW_MS + 4_200),
  'restore-status-needs-operator': (layout) => operationStatus(layout, night.STRANDED_OPERATION, NOW_MS),
  'restore-report': (layout) =>
    operationReport(layout, { operation: night.RESTORED_OPERATION, plan: night.PLAN, report: night.REPORT }),
  'drill-list': (layout) => drillList(layout, drilledSnapshots(drills.ENTRIES), [], NOW_MS),
  'drill-run': (layout) => drillProof(layout, drills.GOOD_ID, drills.GOOD),
  'drill-run-bad': (layout) => drillProof(layout, drills.BAD_ID, drills.BAD),
  doctor: (layout) =>
    doctorPage(layout, [
      { name: 'configuration', verdict: 'ok', code: '', message: 'context prod, cluster prod', cure: '' },
      {
        name: 'expiry',
        verdict: 'warn',
        code: 'NOT_AUTHENTICATED',
        message: '/home/ada/lockstep/tls.crt ends in 12 days.',
        cure: 'Remove tls.crt and tls.key and run `lockstep init` again with the same options.',
      },
      {
        name: 'node cp3',
        verdict: 'fail',
        code: 'UNREACHABLE',
        message: '10.0.0.3:7443 is unreachable: connect ECONNREFUSED 10.0.0.3:7443',
        cure: 'Check the address and the network; ask for the state before repeating anything.',
      },
    ]),
  'restore-plan-without': (layout) =>
    planPage(layout, { plan: lost.WITHOUT_PLAN, refusals: [], warnings: [], nowMs: NOW_MS }),
  'restore-plan-destroyed': (layout) =>
    planPage(layout, { plan: lost.DESTROYED_PLAN, refusals: [], warnings: [], nowMs: NOW_MS }),
  'restore-plan-approved': (layout) =>
    planPage(layout, {
      plan: lost.DESTROYED_PLAN,
      refusals: [],
      warnings: [],
      approval: lost.APPROVAL,
      nowMs: NOW_MS,
    }),
  'restore-report-destroyed': (layout) =>
    operationReport(layout, {
      operation: lost.DESTROYED_OPERATION,
      plan: lost.DESTROYED_PLAN,
      report: lost.DESTROYED_REPORT,
    }),
  'restore-revert': (layout) =>
    planPage(layout, { plan: lost.REVERT_PLAN, refusals: [], warnings: [], nowMs: NOW_MS }),
  'node-list-set-aside': (layout) =>
    nodeList(layout, [...night.NODE_STATUSES.slice(0, 2), lost.SET_ASIDE_NODE]),
  'node-show-set-aside': (layout) => nodeDetails(layout, lost.SET_ASIDE_NODE),
  'node-rejoin': (layout) =>
    rejoinPage(layout, { plan: lost.REJOIN_PLAN, refusals: [], warnings: [], nowMs: NOW_MS }),
  ...inspected.PAGES,
  ...evidence.PAGES,
  'error-refused': (layout) => failure(layout, night.STRANDED_OPERATION.failure as never),
  explain: (layout) => explain('SPACE_TOO_LITTLE').render(layout),
  'node-list-hostile': (layout) => nodeList(layout, [night.HOSTILE_NODE]),
};

function fold(events: readonly OperationEvent[]): Progress {
  return events.reduce(advance, emptyProgress(['cp1', 'cp2', 'cp3']));
}

function frame(layout: Layout, events: readonly OperationEvent[], trouble = ''): string[] {
  const progress = fold(events);
  return progressFrame(layout, {
    progress,
    cluster: 'prod',
    snapshotId: night.SNAPSHOT_ID,
    operationId: night.OPERATION_ID,
    expectedOutageMs: 6_400,
    maxOutageMs: 90_000,
    nowMs: progress.atMs + 400,
    trouble,
  });
}

function log(layout: Layout, events: readonly OperationEvent[]): string[] {
  const lines: string[] = [];
  let progress = emptyProgress(['cp1', 'cp2', 'cp3']);
  for (const event of events) {
    lines.push(...eventLine(layout, progress, event));
    progress = advance(progress, event);
  }
  return lines;
}

const WIDTHS = [80, 200] as const;
const PLAIN: Omit<Layout, 'width'> = { colour: false, unicode: true, wide: false };

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** What was recorded under a name; recorded now where that is asked for. */
function recorded(name: string, text: string): string {
  const path = join(import.meta.dirname, `${name}.golden`);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, text);
  return readFileSync(path, 'utf8');
}

describe.each(Object.entries(PAGES))('%s', (name, page) => {
  test.each(WIDTHS)('reads at %i columns as recorded', (width) => {
    const text = textOf(page({ ...PLAIN, width }));
    expect(text).toBe(recorded(`${name}.${width}`, text));
  });

  test.each([40, 63, 80, 81, 120, 200])(
    'is never wider than %i columns, nor has trailing blanks',
    (width) => {
      for (const wide of [false, true]) {
        for (const line of page({ ...PLAIN, width, wide })) {
          expect({ line, fits: widthOf(line) <= width }).toEqual({ line, fits: true });
          expect(line).toBe(line.trimEnd());
        }
      }
    },
  );

  test('says the same in colour, and colour is all that it adds', () => {
    const layout = { ...PLAIN, width: 80 };
    const plain = page(layout).join('\n');
    const coloured = page({ ...layout, colour: true }).join('\n');
    // oxlint-disable-next-line no-control-regex
    expect(coloured.replace(/\u001b\[\d+m/g, '').replace(/ +$/gm, '')).toBe(plain);
  });

  test('is plain ASCII where the terminal speaks nothing else', () => {
    expect(page({ ...PLAIN, width: 80, unicode: false }).join('\n')).toMatch(/^[\n -~]*$/);
  });
});

test('a frame in colour reads as recorded', () => {
  const text = textOf(frame({ ...PLAIN, width: 80, colour: true }, night.BUILDING));
  expect(text).toBe(recorded('restore-run-building.colour', text));
});

test('a live frame fits on a screen of 24 lines', () => {
  for (const events of [night.BUILDING, night.FENCING, night.UNDOING]) {
    expect(frame({ ...PLAIN, width: 80 }, events).length).toBeLessThan(24);
  }
});

import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type {
  Approval,
  Consequences,
  NodePlan,
  RestorePlan,
} from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { hasMember, isExternal } from '@lockstep/shared/plan/part.ts';
import { oldQuorum, oldVoters } from '../../core/quorum.ts';
import { clean, fields, heading, type Layout, tone, wrap } from './layout.ts';
import { placeLines } from './place.ts';
import { refusals, someOf } from './refusals.ts';
import { objectTotal, sumByResource } from './snapshots.ts';
import { type Column, table } from './table.ts';
import { bytes, count, duration, instant, plural } from './units.ts';
import { personWord } from './words.ts';

const EXAMPLES_SHOWN = 5;
const KINDS_SHOWN = 12;

export interface PlanPage {
  readonly plan: RestorePlan;
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly Refusal[];
  readonly approval?: Approval | undefined;
  readonly nowMs: number;
}

/** A plan: what will be done where, what it costs, what speaks against it, what to type next. */
export function planPage(layout: Layout, page: PlanPage): string[] {
  const { plan } = page;
  const isOfNothing = plan.snapshot === undefined && plan.subjectOperationId === '';
  if (isOfNothing) {
    // Of a snapshot that nobody holds, what would be done and lost is not known but invented.
    return [
      ...summary(layout, page),
      ...refusals(layout, 'Warnings', page.warnings, 'yellow'),
      ...refusals(layout, 'Refused: this plan cannot be run', page.refusals, 'red'),
      '',
      ...next(layout, page),
    ];
  }
  return [
    ...summary(layout, page),
    '',
    heading(layout, 'What will be done'),
    ...work(layout, plan),
    ...leftOut(layout, plan),
    ...placeLines(layout, plan),
    '',
    heading(layout, 'Downtime'),
    ...downtime(layout, plan),
    '',
    heading(layout, 'What it changes'),
    ...(plan.consequences === undefined
      ? unknownConsequences(layout)
      : consequences(layout, plan.consequences)),
    ...refusals(layout, 'Warnings', page.warnings, 'yellow'),
    ...refusals(layout, 'Refused: this plan cannot be run', page.refusals, 'red'),
    '',
    ...next(layout, page),
  ];
}

function summary(layout: Layout, { plan, approval, nowMs }: PlanPage): string[] {
  const card = plan.snapshot;
  const facts = card?.facts;
  const left = Number(plan.expiresMs) - nowMs;
  return [
    heading(layout, `Plan ${plan.operationId}`),
    ...fields(layout, [
      ['Cluster', plan.cluster],
      ['Snapshot', card === undefined ? '' : `${card.id}, taken ${instant(card.takenAt)} on ${card.node}`],
      [
        'Holds',
        facts?.status === undefined
          ? ''
          : `${plural(objectTotal(facts.objects), 'object')}, revision ${count(facts.status.revision)}, ${bytes(facts.fileSizeBytes)}`,
      ],
      [
        'Versions',
        [
          card?.etcdVersion && `etcd ${card.etcdVersion}`,
          card?.kubernetesVersion && `Kubernetes ${card.kubernetesVersion}`,
        ]
          .filter(Boolean)
          .join(', '),
      ],
      ['Asked by', personWord(plan.requestedBy)],
      ['Reason', plan.reason],
      ['Takes back', plan.subjectOperationId],
      ['Approved', approvalText(plan, approval)],
      ['Expires', `${instant(plan.expiresMs)}, ${left > 0 ? `in ${duration(left)}` : 'EXPIRED'}`],
    ]),
  ];
}

function work(layout: Layout, plan: RestorePlan): string[] {
  const memberNodes = plan.nodes.filter(hasMember);
  const leader = memberNodes.reduce<NodePlan | undefined>(
    (last, node) => (last === undefined || node.order > last.order ? node : last),
    undefined,
  );
  const isApart = isExternal(plan.nodes) || plan.nodes.some(({ etcdUnit }) => etcdUnit !== '');
  const inOrder = plan.nodes.toSorted((a, b) => a.order - b.order);
  const columns: Column<NodePlan>[] = [
    { title: '#', value: (node) => `${inOrder.indexOf(node) + 1}`, align: 'right' },
    { title: 'NODE', value: ({ node }) => node },
    { title: 'ADDRESS', value: ({ address }) => address, dropAt: 2 },
    ...(isApart ? [{ title: 'RUNS', value: runsWords } satisfies Column<NodePlan>] : []),
    { title: 'MEMBER', value: ({ etcd }) => etcd?.name ?? 'none', dropAt: 1 },
    { title: 'DATA DIRECTORY', value: ({ etcd }) => etcd?.dataDir ?? '-' },
    {
      title: 'NOW',
      value: ({ etcd }) => (etcd?.oldStore === undefined ? '-' : bytes(etcd.oldStore.dbSizeBytes)),
      align: 'right',
    },
    { title: 'NEEDS', value: (node) => (hasMember(node) ? bytes(node.neededBytes) : '-'), align: 'right' },
    { title: 'ETCDUTL', value: ({ etcdutl }) => etcdutl?.version ?? '-', dropAt: 3 },
    {
      title: 'MANIFESTS',
      value: ({ manifests }) =>
        manifests
          .filter(({ component }) => component !== '')
          .map(({ fileName }) => fileName)
          .join(' '),
      wide: true,
      dropAt: 4,
    },
  ];
  const members = plan.startMembersInTurn
    ? 'one member after another, because InitialCorruptCheck is on'
    : 'all members side by side';
  const steps: readonly (readonly [string, string])[] = [
    [
      'Before downtime',
      `stage the snapshot on each ${isApart ? 'etcd host' : 'node'}; build the new store beside the old one and read it back; write down the way back, and keep what is on each node as evidence; look at everything once more.`,
    ],
    [
      'Downtime',
      `stop kubelet, API servers and etcd and prove it; exchange the stores; start etcd, ${members}; prove that all hold the same.`,
    ],
    [
      'Commit',
      'until here every failure brings the old store back by itself; from here there is only forward.',
    ],
    ['After', 'start the API servers, then scheduler and controller-manager. The old store is kept.'],
  ];
  return [
    ...table(layout, columns, inOrder, 2),
    ...(leader === undefined || memberNodes.length === 1
      ? []
      : wrap(layout, `Followers first, ${leader.node} last: it leads.`, 2).map((line) =>
          tone(layout, 'dim', line),
        )),
    '',
    ...fields(layout, steps),
  ];
}

/** What of a control plane a node runs, where not every node runs all of it. */
function runsWords({ etcd, etcdUnit, manifests }: NodePlan): string {
  const isApiServer = manifests.some(({ component }) => component === 'kube-apiserver');
  const member = etcd === undefined ? '' : etcdUnit === '' ? 'etcd' : etcdUnit;
  return [member, isApiServer ? 'API server' : ''].filter(Boolean).join(', ');
}

export function approvedWords({ approvedBy, approvedMs, reason }: Approval): string {
  return `by ${personWord(approvedBy)} at ${instant(approvedMs)}${reason === '' ? '' : `: ${reason}`}`;
}

function approvalText({ approvalNeeds }: RestorePlan, approval: Approval | undefined): string {
  if (approval !== undefined) return approvedWords(approval);
  if (approvalNeeds.length === 0) return '';
  return `not yet; a second person must: ${approvalNeeds.map(({ code, message }) => `${code} (${message})`).join('; ')}`;
}

/** Who takes no part, and why that is safe. */
function leftOut(layout: Layout, plan: RestorePlan): string[] {
  if (plan.leftOut.length === 0) return [];
  const members = plan.leftOut.filter(({ memberId }) => memberId !== '');
  const voters = oldVoters(plan);
  const away = members.filter(({ destroyed }) => !destroyed).length;
  const why =
    away === 0 ? '' : `${away} of OLD's ${voters} members cannot serve it: ${oldQuorum(plan)} must agree.`;
  const gone = members.some(({ destroyed }) => destroyed)
    ? 'What is destroyed never serves OLD again: nobody can prove that, so a second person answers for it.'
    : '';
  return [
    '',
    heading(layout, 'Left out'),
    ...fields(
      layout,
      plan.leftOut.map(({ node, hosts, destroyed }): readonly [string, string] => [
        node,
        `${hosts.join(', ')}: ${
          destroyed
            ? 'gone for good'
            : `away; when it returns it is set aside, its OLD kept, until "lockstep node rejoin ${node}"`
        }`,
      ]),
    ),
    ...wrap(layout, [why, gone].filter(Boolean).join(' '), 2),
  ];
}

function downtime(layout: Layout, plan: RestorePlan): string[] {
  const limit =
    plan.maxOutageMs === 0n
      ? 'no limit set; --max-outage 90s brings the old store back in time'
      : `${duration(plan.maxOutageMs)}, then the old store is brought back`;
  return fields(layout, [
    ['Expected', `about ${duration(plan.expectedOutageMs)} without API; workloads keep running`],
    ['Limit', limit],
    [
      'Revisions',
      plan.bump === undefined
        ? 'NOT bumped: the tool on the nodes cannot. Clients that watch keep stale data until they are restarted.'
        : `go on from ${count(plan.bump.toRevision)}, above all that anybody has seen; watchers are told to list anew`,
    ],
    [
      'Alarms',
      plan.alarmsToDisarm.length === 0
        ? ''
        : `${plan.alarmsToDisarm.join(' ')}, from the snapshot, is disarmed before the proof`,
    ],
    ['Overridden', plan.overrides.map(({ code, reason }) => `${code} (${reason})`).join('; ')],
  ]);
}

interface KindChange {
  readonly resource: string;
  readonly lost: bigint;
  readonly revived: bigint;
  readonly changed: bigint;
}

export function unknownConsequences(layout: Layout): string[] {
  return wrap(
    layout,
    'Not known: the live store could not be read, so nothing can be compared. Count on losing every change since the snapshot.',
    2,
  ).map((line) => tone(layout, 'yellow', line));
}

/** What is lost, revived and changed by kind, and what follows from it for what runs. */
export function consequences(layout: Layout, facts: Consequences): string[] {
  if (!facts.known) return unknownConsequences(layout);
  const kinds = changes(facts);
  if (kinds.length === 0)
    return ['  Nothing: the live store and the snapshot hold the same objects.'].flatMap((line) =>
      wrap(layout, line, 2),
    );
  const shown = layout.wide ? kinds : kinds.slice(0, KINDS_SHOWN);
  const figure = (value: bigint): string => (value === 0n ? '-' : count(value));
  const columns: Column<KindChange>[] = [
    { title: 'KIND', value: ({ resource }) => resource },
    {
      title: 'LOST',
      value: ({ lost }) => figure(lost),
      align: 'right',
      tone: ({ lost }) => (lost > 0n ? 'red' : undefined),
    },
    {
      title: 'REVIVED',
      value: ({ revived }) => figure(revived),
      align: 'right',
      tone: ({ revived }) => (revived > 0n ? 'yellow' : undefined),
    },
    { title: 'CHANGED BACK', value: ({ changed }) => figure(changed), align: 'right' },
  ];
  const sum: KindChange = {
    resource: 'total',
    lost: objectTotal(facts.lost),
    revived: objectTotal(facts.revived),
    changed: objectTotal(facts.changed),
  };
  return [
    ...table(layout, columns, [...shown, ...(kinds.length > 1 ? [sum] : [])], 2),
    ...(shown.length === kinds.length
      ? []
      : [tone(layout, 'dim', `  and ${kinds.length - shown.length} more kinds; -o wide shows all`)]),
    ...list(layout, 'Pods that kubelets will kill', facts.podsKilled),
    ...list(layout, 'Jobs that will run again', facts.jobsRerun),
    ...list(layout, 'Volumes that diverge', facts.volumesDiverging),
    ...list(layout, 'Access that comes back to life', facts.accessRevived),
    ...list(layout, 'Nodes that come back to life', facts.nodesRevived),
    ...list(layout, 'Examples of what is lost', facts.lostExamples),
  ];
}

function list(layout: Layout, title: string, items: readonly string[]): string[] {
  const lines = someOf(layout, title, items, EXAMPLES_SHOWN, 'bold');
  return lines.length === 0 ? [] : ['', ...lines];
}

function changes(facts: Consequences): KindChange[] {
  const kinds = new Map<string, { lost: bigint; revived: bigint; changed: bigint }>();
  for (const side of ['lost', 'revived', 'changed'] as const) {
    for (const { resource, count: number } of sumByResource(facts[side])) {
      const kind = kinds.get(resource) ?? { lost: 0n, revived: 0n, changed: 0n };
      kind[side] += number;
      kinds.set(resource, kind);
    }
  }
  const weight = ({ lost, revived, changed }: KindChange): bigint => lost + revived + changed;
  return [...kinds]
    .map(([resource, kind]) => ({ resource, ...kind }))
    .sort((a, b) =>
      weight(a) === weight(b) ? (a.resource < b.resource ? -1 : 1) : weight(a) < weight(b) ? 1 : -1,
    );
}

function next(layout: Layout, page: PlanPage): string[] {
  const { plan } = page;
  if (page.refusals.length > 0)
    return wrap(layout, 'Nothing was changed. Mend what is refused, then plan again.');
  if (plan.approvalNeeds.length > 0 && page.approval === undefined) {
    return [
      heading(layout, 'Nothing was changed yet. A second person looks at it and types'),
      ...command(layout, `lockstep restore approve ${plan.operationId}`),
      ...wrap(layout, 'and then you'),
      ...command(layout, `lockstep restore run --plan ${plan.operationId} --confirm ${plan.cluster}`),
    ];
  }
  return [
    heading(layout, 'Nothing was changed yet. To go on, type'),
    ...command(layout, `lockstep restore run --plan ${plan.operationId} --confirm ${plan.cluster}`),
  ];
}

/** A command to type, never cut: broken with a backslash where the page is too narrow. */
export function command(layout: Layout, text: string): string[] {
  const lines: string[] = [];
  let line = ' ';
  for (const word of clean(layout, text).split(' ')) {
    if (line.length + 1 + word.length + 2 > layout.width && line.trim() !== '') {
      lines.push(`${line} \\`);
      line = '   ';
    }
    line += ` ${word}`;
  }
  return [...lines, line].map((text_) => tone(layout, 'cyan', text_));
}

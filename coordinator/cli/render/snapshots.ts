import type { SnapshotVerdict } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type {
  ObjectCount,
  OfflineCopy,
  SnapshotCard,
  SnapshotFacts,
  SnapshotTrust,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { clean, fields, heading, type Layout, tone, wrap } from './layout.ts';
import { type Column, table } from './table.ts';
import { signerWord } from './trust.ts';
import { bytes, count, instant, plural } from './units.ts';

/** One snapshot and the nodes that hold it. */
export interface HeldSnapshot {
  readonly card: SnapshotCard;
  readonly holders: readonly StoredSnapshot[];
}

/** The same snapshot on several nodes as one, newest first. */
export function byId(stored: readonly StoredSnapshot[]): HeldSnapshot[] {
  const held = new Map<string, StoredSnapshot[]>();
  for (const snapshot of stored) {
    if (snapshot.card === undefined) continue;
    const { id } = snapshot.card;
    held.set(id, [...(held.get(id) ?? []), snapshot]);
  }
  return [...held.values()]
    .map((holders) => ({ card: holders[0]?.card as SnapshotCard, holders }))
    .sort((a, b) => (a.card.takenAt < b.card.takenAt ? 1 : -1));
}

/** Of the first node whose card is trusted; else of the first: that is the one that a plan takes. */
function trustOf({ holders }: HeldSnapshot): SnapshotTrust | undefined {
  const judged = holders.map(({ trust }) => trust).filter((trust) => trust !== undefined);
  return judged.find(({ distrust }) => distrust.length === 0) ?? judged[0];
}

/** Who sealed it, and why a restore would not take their word. */
function seals(layout: Layout, held: HeldSnapshot): string[] {
  const trust = trustOf(held);
  return (trust?.distrust ?? []).flatMap(({ code, message, cure }) => [
    ...wrap(layout, `Not trusted: ${code}: ${message}`, 4, 2).map((line) => tone(layout, 'yellow', line)),
    ...wrap(layout, `-> ${cure}`, 5, 2),
  ]);
}

const OBJECT_KINDS_SHOWN = 12;

/** Objects by kind, namespaces added up unless every line is wanted. */
export function objectTable(layout: Layout, objects: readonly ObjectCount[]): string[] {
  const rows = layout.wide ? [...objects] : sumByResource(objects);
  rows.sort((a, b) =>
    a.count === b.count ? (a.resource < b.resource ? -1 : 1) : a.count < b.count ? 1 : -1,
  );
  const shown = layout.wide ? rows : rows.slice(0, OBJECT_KINDS_SHOWN);
  const columns: Column<ObjectCount>[] = [
    { title: 'KIND', value: ({ resource }) => resource },
    { title: 'NAMESPACE', value: ({ namespace }) => namespace || '-', wide: true, dropAt: 1 },
    { title: 'OBJECTS', value: ({ count: number }) => count(number), align: 'right' },
  ];
  return [
    ...table(layout, columns, shown, 2),
    ...(shown.length === rows.length
      ? []
      : [tone(layout, 'dim', `  and ${rows.length - shown.length} more kinds; -o wide shows all`)]),
  ];
}

export function sumByResource(objects: readonly ObjectCount[]): ObjectCount[] {
  const sums = new Map<string, bigint>();
  for (const { resource, count: number } of objects) sums.set(resource, (sums.get(resource) ?? 0n) + number);
  return [...sums].map(([resource, number]) => ({ resource, namespace: '', count: number }));
}

export function objectTotal(objects: readonly ObjectCount[]): bigint {
  return objects.reduce((sum, { count: number }) => sum + number, 0n);
}

/** What is in a snapshot, etcd's own figures first and as its own tool counts them. */
export function snapshotFacts(layout: Layout, facts: SnapshotFacts): string[] {
  const { status } = facts;
  const members = facts.members.map(({ name, id, learner }) => `${name || id}${learner ? ' (learner)' : ''}`);
  const encryption = facts.encryption.map(
    ({ provider, keyName, count: number }) =>
      `${provider === '' ? 'plain' : `${provider} ${keyName}`.trim()}: ${plural(number, 'value')}`,
  );
  return [
    heading(layout, "etcd's own figures"),
    ...fields(layout, [
      ['Hash', status === undefined ? '' : status.hash.toString(16)],
      ['Revision', status === undefined ? '' : count(status.revision)],
      [
        'Total keys',
        status === undefined
          ? ''
          : `${count(status.totalEntries)} as etcdutl counts up to 3.5, ${count(status.liveKeys)} from 3.6`,
      ],
      [
        'Total size',
        status === undefined ? '' : `${bytes(status.totalSizeBytes)} (${status.totalSizeBytes})`,
      ],
      ['Storage version', status?.storageVersion ?? ''],
    ]),
    '',
    heading(layout, 'Store'),
    ...fields(layout, [
      ['Size', bytes(facts.fileSizeBytes)],
      ['SHA-256', facts.fileSha256],
      [
        'Trailer',
        facts.trailerPresent ? (facts.trailerValid ? 'present and right' : 'present and WRONG') : 'none',
      ],
      ['Content', facts.contentSha256],
      ['Compacted', count(facts.compactRevision)],
      ['Cluster', facts.clusterVersion === '' ? '' : `version ${facts.clusterVersion}`],
      ['Members', members.join(' ')],
      ['Alarms', facts.alarms.join(' ') || 'none'],
      [
        'Leases',
        facts.leaseCount === 0n
          ? 'none'
          : `${count(facts.leaseCount)}, ${count(facts.shortLeaseCount)} of them short`,
      ],
      ['Auth', facts.authEnabled ? 'ENABLED' : ''],
    ]),
    '',
    heading(layout, `Kubernetes: ${plural(objectTotal(facts.objects), 'object')}`),
    ...fields(layout, [
      ['Version', facts.kubernetesVersion],
      ['Prefix', facts.registryPrefix],
      ['Cluster CA', facts.clusterCaSha256],
      ['Encryption', encryption.join(', ')],
      [
        'Webhooks',
        facts.orphanWebhooks.length === 0
          ? ''
          : `fail-closed without a Service: ${facts.orphanWebhooks.join(', ')}`,
      ],
    ]),
    ...(facts.objects.length === 0 ? [] : objectTable(layout, facts.objects)),
  ];
}

export function snapshotCard(layout: Layout, held: HeldSnapshot): string[] {
  const { card, holders } = held;
  return [
    heading(layout, `Snapshot ${card.id}`),
    ...fields(layout, [
      ['Cluster', card.cluster],
      ['Taken', `${instant(card.takenAt)} on ${card.node}`],
      ['Reason', card.reason],
      ['etcd', `${card.etcdVersion}, cluster ${card.etcdClusterId}`],
      ['Kubernetes', card.kubernetesVersion],
      ['Sealed by', (trustOf(held)?.signers ?? []).map(signerWord).join(', ')],
      ['Kept on', holders.map(({ node, path }) => `${node}:${path}`).join(' ')],
    ]),
    ...seals(layout, held),
    ...(card.offline === undefined ? [] : ['', ...offlineCopy(layout, card.offline)]),
    ...(card.facts === undefined ? [] : ['', ...snapshotFacts(layout, card.facts)]),
  ];
}

/** What a copy of a stopped member's files can miss. */
function offlineCopy(layout: Layout, offline: OfflineCopy): string[] {
  const { files, consistentIndex, committedIndex, lastIndex } = offline;
  const difference = (above: bigint, below: bigint): bigint => (above > below ? above - below : 0n);
  const logOnly = difference(committedIndex, consistentIndex);
  const uncertain = difference(
    lastIndex,
    committedIndex > consistentIndex ? committedIndex : consistentIndex,
  );
  return [
    heading(layout, 'Copied from a stopped member'),
    ...fields(layout, [
      [
        'Files',
        `${offline.dataDir}, and ${plural(BigInt(files.length), 'file')} of its log from ${offline.walDir}`,
      ],
      [
        'In its log only',
        `${plural(logOnly, 'entry', 'entries')} that it knew to be committed: a restore misses them`,
      ],
      ['Not certain', `${plural(uncertain, 'entry', 'entries')} after those: only the other members know`],
      ['Can miss', 'whatever was committed by other members alone and lies in their logs'],
    ]),
  ];
}

export function verdicts(layout: Layout, list: readonly SnapshotVerdict[]): string[] {
  return list.flatMap(({ node, facts, refusals, note }) => {
    const good = refusals.length === 0;
    const where = clean(layout, node);
    const what =
      facts?.status === undefined
        ? ''
        : `, revision ${count(facts.status.revision)}, ${bytes(facts.fileSizeBytes)}, SHA-256 ${facts.fileSha256.slice(0, 16)}`;
    return [
      ...wrap(layout, `${where}: ${good ? 'whole' : 'NOT WHOLE'}${what}`, 2, 0).map((line) =>
        tone(layout, good ? 'green' : 'red', line),
      ),
      ...(note === '' ? [] : wrap(layout, note, 2, 2)),
      ...refusals.flatMap((refusal) => [
        ...wrap(layout, `${refusal.code}: ${refusal.message}`, 4, 2),
        ...wrap(layout, `-> ${refusal.cure}`, 5, 2),
      ]),
    ];
  });
}

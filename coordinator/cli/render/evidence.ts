import type {
  CollectorOutcome,
  EvidenceManifest,
  NotTaken,
} from '@lockstep/shared/evidence-archive/manifest.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { EvidenceArchive } from '@lockstep/shared/generated/lockstep/v1/evidence.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import type { JudgedArchive } from '../archive-file.ts';
import { oneLine } from '../plain.ts';
import { fields, heading, type Layout, tone, wrap } from './layout.ts';
import { failure, refusals } from './refusals.ts';
import { type Column, table } from './table.ts';
import { bytes, count, instant, plural } from './units.ts';
import { personWord } from './words.ts';

/** An archive that lies here now, and what was made of it on its arrival. */
export interface GatheredArchive {
  readonly node: string;
  readonly path: string;
  readonly archive: EvidenceArchive;
  /** Why it is not as its agent says; empty where it is. */
  readonly problems: readonly string[];
}

/** Of what was not taken; `-o wide` shows all. */
const MAX_SHOWN = 12;

const OUTCOME_TONES = { done: 'green', limited: 'yellow', failed: 'red' } as const;

const COLLECTORS: Column<CollectorOutcome>[] = [
  { title: 'COLLECTOR', value: ({ name }) => name },
  { title: 'OUTCOME', value: ({ outcome }) => outcome, tone: ({ outcome }) => OUTCOME_TONES[outcome] },
  { title: 'FILES', value: ({ files }) => count(files), align: 'right' },
  { title: 'SIZE', value: ({ plainSizeBytes }) => bytes(plainSizeBytes), align: 'right' },
  { title: 'NOT TAKEN', value: ({ notTaken }) => count(notTaken), align: 'right', dropAt: 2 },
];

const NOT_TAKEN: Column<NotTaken>[] = [
  { title: 'PATH', value: ({ path }) => oneLine(path) },
  { title: 'IS', value: ({ kind }) => kind },
  { title: 'POINTS TO', value: ({ target = '' }) => oneLine(target), dropAt: 2 },
  { title: 'WHY', value: ({ why }) => oneLine(why), dropAt: 1 },
];

const FILES: Column<EvidenceManifest['files'][number]>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'SIZE', value: ({ sizeBytes }) => bytes(sizeBytes), align: 'right' },
  { title: 'MODIFIED', value: ({ source }) => (source === undefined ? '' : instant(source.modifiedAt)) },
  { title: 'SHA-256', value: ({ sha256 }) => sha256.slice(0, 16), dropAt: 1 },
];

/** What an archive holds, by its own word. */
export function archivePage(layout: Layout, { path, archive, refusals: wrong }: JudgedArchive): string[] {
  const { manifest } = archive;
  const shown = layout.wide ? manifest.notTaken : manifest.notTaken.slice(0, MAX_SHOWN);
  const more = manifest.notTaken.length - shown.length + manifest.notTakenUnlisted;
  return [
    heading(layout, `Evidence of ${oneLine(manifest.node)}, ${instant(manifest.custody.startedAt)}`),
    ...fields(layout, custodyFields(path, archive)),
    '',
    ...table(layout, COLLECTORS, manifest.collectors, 2),
    ...incomplete(layout, manifest),
    ...(layout.wide && manifest.files.length > 0
      ? ['', heading(layout, 'Taken'), ...table(layout, FILES, manifest.files, 2)]
      : []),
    ...(shown.length > 0
      ? [
          '',
          heading(layout, 'Seen and not taken'),
          ...(layout.wide
            ? shown.flatMap((each) => notTakenLines(layout, each))
            : table(layout, NOT_TAKEN, shown, 2)),
        ]
      : []),
    ...(more > 0 ? [tone(layout, 'dim', `  and ${plural(more, 'more name')}; -o wide lists them`)] : []),
    ...refusals(layout, 'It is not as its manifest says', wrong, 'red'),
    '',
    ...wrap(layout, 'Whether its seal holds says `lockstep evidence verify`.').map((line) =>
      tone(layout, 'dim', line),
    ),
  ];
}

/** The chain of custody, for the archive's own page and for the verdict on it. */
function custodyFields(path: string, { manifest, sha256, sizeBytes }: JudgedArchive['archive']) {
  const { custody } = manifest;
  return [
    ['File', `${path} (${bytes(sizeBytes)})`],
    ['SHA-256', sha256],
    ['Gathering', oneLine(manifest.gatherId)],
    ['Cluster', oneLine(manifest.cluster)],
    ['Asked for by', personWord(oneLine(custody.requestedBy))],
    ['Through', oneLine(custody.commandedBy)],
    ['Gathered by', oneLine(custody.gatheredBy)],
    ['Reason', oneLine(custody.reason)],
    ['From', instant(custody.startedAt)],
    ['To', instant(custody.endedAt)],
    ['Lockstep', oneLine(custody.toolVersion)],
  ] as const;
}

export function verifiedPage(
  layout: Layout,
  { path, archive, refusals: wrong, sealedBy }: JudgedArchive,
): string[] {
  const { manifest, entries } = archive;
  if (wrong.length > 0 || sealedBy === undefined) {
    return [
      tone(layout, 'red', `${oneLine(path)} does not hold.`),
      ...fields(layout, custodyFields(path, archive)),
      ...refusals(layout, 'What does not hold', wrong, 'red'),
    ];
  }
  const words = `Every digest holds (${plural(entries.size, 'file')}), and so does the seal of ${identityUri(sealedBy.identity)}, made at ${instant(sealedBy.signedMs)}.`;
  return [
    ...wrap(layout, words).map((line) => tone(layout, 'green', line)),
    ...fields(layout, custodyFields(path, archive)),
    ...incomplete(layout, manifest),
  ];
}

/** Which collectors did not end as they should, and why: what they would have taken is missed. */
function incomplete(layout: Layout, { collectors }: EvidenceManifest): string[] {
  return collectors
    .filter(({ outcome }) => outcome !== 'done')
    .flatMap(({ name, outcome, reason }) =>
      wrap(layout, `${name} is ${outcome}: ${oneLine(reason)}`, 4, 2).map((line) =>
        tone(layout, 'yellow', line),
      ),
    );
}

/** All that is known of it, however narrow the page. */
function notTakenLines(layout: Layout, { path, kind, target = '', why }: NotTaken): string[] {
  const points = target === '' ? '' : `, to ${oneLine(target)}`;
  return wrap(layout, `${oneLine(path)} (${kind}${points}): ${oneLine(why)}`, 4, 2);
}

/** What lies in the directory now, node by node. */
export function gatheredPage(
  layout: Layout,
  gathered: readonly GatheredArchive[],
  failures: readonly Failure[],
): string[] {
  const columns: Column<GatheredArchive>[] = [
    { title: 'NODE', value: ({ node }) => oneLine(node) },
    { title: 'FILES', value: ({ archive }) => count(archive.files), align: 'right' },
    { title: 'SIZE', value: ({ archive }) => bytes(archive.sizeBytes), align: 'right' },
    { title: 'NOT TAKEN', value: ({ archive }) => count(archive.notTaken), align: 'right', dropAt: 2 },
    {
      title: 'STANDS',
      value: ({ problems }) => (problems.length === 0 ? 'sealed, verified' : 'see below'),
      tone: ({ problems }) => (problems.length === 0 ? 'green' : 'red'),
    },
  ];
  return [
    ...table(layout, columns, gathered),
    ...(gathered.length === 0 ? [] : ['', heading(layout, 'Archives')]),
    ...gathered.flatMap(({ path }) => wrap(layout, oneLine(path), 2)),
    ...gathered.flatMap(({ node, archive, problems }) => [
      ...problems.flatMap((problem) => ['', ...wrap(layout, `${oneLine(node)}: ${oneLine(problem)}`)]),
      ...archive.collectors
        .filter(({ outcome }) => outcome !== 'done')
        .flatMap(({ name, outcome, reason }) => [
          '',
          ...wrap(layout, `${oneLine(node)}: ${name} is ${outcome}: ${oneLine(reason)}`).map((line) =>
            tone(layout, 'yellow', line),
          ),
        ]),
    ]),
    ...failures.flatMap((one) => ['', ...failure(layout, one, layout.wide)]),
  ];
}

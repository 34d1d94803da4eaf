import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type {
  OperatorServiceDeleteSnapshotResponse,
  PruneDecision,
  ScheduleStatus,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { CatalogueEntry, Proof } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { ProofKind } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { pinsOn } from '@lockstep/shared/marks.ts';
import { brokenPlaces, lastProof, placesOf } from '../../core/standing.ts';
import { fields, heading, type Layout, type Tone, tone, wrap } from './layout.ts';
import { command } from './plan.ts';
import { failure, refusals as renderRefusals } from './refusals.ts';
import { type Column, table } from './table.ts';
import { signerWord } from './trust.ts';
import { age, bytes, count, duration, instant, plural } from './units.ts';
import { personWord } from './words.ts';

/** Every snapshot in a line, over all the places that hold it. */
export function catalogueList(
  layout: Layout,
  entries: readonly CatalogueEntry[],
  failures: readonly Failure[],
  nowMs: number,
): string[] {
  const columns: Column<CatalogueEntry>[] = [
    { title: 'SNAPSHOT', value: ({ card }) => card?.id ?? '' },
    { title: 'TAKEN', value: ({ card }) => instant(card?.takenAt ?? ''), wide: true, dropAt: 5 },
    { title: 'AGE', value: ({ card }) => age(Date.parse(card?.takenAt ?? ''), nowMs), align: 'right' },
    {
      title: 'REVISION',
      value: ({ card }) => count(card?.facts?.status?.revision ?? 0n),
      align: 'right',
      dropAt: 4,
    },
    { title: 'SIZE', value: ({ card }) => bytes(card?.facts?.fileSizeBytes ?? 0n), align: 'right' },
    { title: 'ON', value: (entry) => placesOf(entry).join(',') },
    { title: 'SEALED', value: sealedWord, tone: ({ distrust }) => warnIf(distrust.length > 0), dropAt: 1 },
    { title: 'PINNED', value: pinnedWord, dropAt: 2 },
    { title: 'PROVEN', value: (entry) => provenWord(entry, nowMs), tone: standingTone },
    { title: 'RESTORE', value: restoreWord, align: 'right', dropAt: 3 },
    { title: 'REASON', value: ({ card }) => card?.reason || '-', dropAt: 1 },
    {
      title: 'SEALED BY',
      value: ({ held }) => signersOf(held).map(signerWord).join(',') || '-',
      wide: true,
      dropAt: 5,
    },
    { title: 'ETCD', value: ({ card }) => card?.etcdVersion ?? '', wide: true, dropAt: 6 },
    { title: 'KUBERNETES', value: ({ card }) => card?.kubernetesVersion || '-', wide: true, dropAt: 7 },
    {
      title: 'SHA-256',
      value: ({ card }) => (card?.facts?.fileSha256 ?? '').slice(0, 16),
      wide: true,
      dropAt: 8,
    },
  ];
  const list =
    entries.length === 0
      ? wrap(layout, 'There are no snapshots. Take one with: lockstep snapshot save')
      : table(layout, columns, entries);
  const doubts = entries.flatMap((entry) => doubtsOf(entry));
  return [
    ...list,
    ...(doubts.length === 0 ? [] : ['']),
    ...doubts.flatMap(({ words, isBad }) =>
      wrap(layout, words, 2, 0).map((line) => tone(layout, isBad ? 'red' : 'yellow', line)),
    ),
    ...failures.flatMap((one) => ['', ...failure(layout, one, layout.wide)]),
  ];
}

/** What is wrong with one, or with a single copy of one that is good all the same. */
function doubtsOf(entry: CatalogueEntry): { words: string; isBad: boolean }[] {
  const { card, standing, standingReason } = entry;
  if (standing !== 'good') {
    const isBad = standing === 'bad';
    const more = isBad ? '' : `; no other copy was proven since: lockstep drill run ${card?.id}`;
    return [{ words: `${card?.id}: ${standing}: ${standingReason}${more}`, isBad }];
  }
  return brokenPlaces(entry).map((place) => ({
    words: `${card?.id}: its copy at ${place} was found broken and not proven since; put a new one there with lockstep snapshot copy, then lockstep snapshot verify`,
    isBad: false,
  }));
}

function sealedWord({ distrust, held }: CatalogueEntry): string {
  if (distrust.length === 0) return 'yes';
  return held.every(({ trust }) => (trust?.signers.length ?? 0) === 0) ? 'no' : 'NOT TRUSTED';
}

function signersOf(held: CatalogueEntry['held']): string[] {
  return [...new Set(held.flatMap(({ trust }) => trust?.signers ?? []))];
}

function pinnedWord({ marks }: CatalogueEntry): string {
  const pins = pinsOn(marks);
  if (pins.length === 0) return '-';
  return pins.some(({ evidence }) => evidence) ? 'evidence' : 'yes';
}

/** "drill 2h good", of whatever proof came last. */
function provenWord({ marks }: CatalogueEntry, nowMs: number): string {
  const proof = lastProof(marks?.proofs ?? []);
  if (proof === undefined) return 'never';
  return `${kindWord(proof)} ${age(Date.parse(proof.at), nowMs)} ${proof.failure === undefined ? 'good' : 'BAD'}`;
}

function restoreWord({ marks }: CatalogueEntry): string {
  const good = (marks?.proofs ?? []).filter((proof) => proof.failure === undefined);
  const drill = lastProof(good, ProofKind.PROOF_KIND_DRILL);
  return drill === undefined ? '-' : duration(drill.restoreMs);
}

function kindWord({ kind }: Proof): string {
  return kind === ProofKind.PROOF_KIND_DRILL ? 'drill' : 'verify';
}

function standingTone({ standing }: CatalogueEntry): Tone | undefined {
  if (standing === 'bad') return 'red';
  return warnIf(standing === 'unknown');
}

function warnIf(doubtful: boolean): Tone | undefined {
  return doubtful ? 'yellow' : undefined;
}

/** What is known of a snapshot beside its card; nothing where nothing is. */
export function marksOf(
  layout: Layout,
  { marks, standing, standingReason, copies }: CatalogueEntry,
): string[] {
  const pins = (marks?.pins ?? []).map(
    ({ by, reason, at, evidence, removedAt }) =>
      `${evidence ? 'evidence, ' : ''}by ${personWord(by) || 'nobody known'} at ${instant(at)}: ${reason}${removedAt === '' ? '' : ` (taken off at ${instant(removedAt)})`}`,
  );
  const proofs = (marks?.proofs ?? [])
    .toReversed()
    .slice(0, PROOFS_SHOWN)
    .map(
      (proof) =>
        `${kindWord(proof)} on ${proof.place} at ${instant(proof.at)}: ${proof.failure === undefined ? 'good' : `BAD, ${proof.failure.code}: ${proof.failure.message}`}, took ${duration(proof.tookMs)}${proof.restoreMs === 0n ? '' : `, the restore ${duration(proof.restoreMs)}`}`,
    );
  return [
    heading(layout, 'Held for'),
    ...fields(layout, [
      ['Standing', standingReason === '' ? standing : `${standing}: ${standingReason}`],
      ['In stores', copies.map(({ store, sizeBytes }) => `${store} (${bytes(sizeBytes)})`).join(' ')],
      ...pins.map((pin) => ['Pinned', pin] as const),
      ...(proofs.length === 0
        ? [['Proven', 'never'] as const]
        : proofs.map((proof) => ['Proven', proof] as const)),
    ]),
  ];
}

const PROOFS_SHOWN = 5;

/** What is taken and drilled when, and how it went last. */
export function scheduleList(
  layout: Layout,
  schedules: readonly ScheduleStatus[],
  retention: string,
  nowMs: number,
): string[] {
  const columns: Column<ScheduleStatus>[] = [
    { title: 'SCHEDULE', value: ({ name }) => name },
    { title: 'DOES', value: ({ action }) => action },
    { title: 'WHEN', value: ({ cron, timeZone }) => `${cron} ${timeZone}`, dropAt: 2 },
    { title: 'NEXT', value: (one) => nextWord(one, nowMs), tone: ({ late }) => warnIf(late) },
    {
      title: 'LAST',
      value: ({ lastAt }) => (lastAt === '' ? 'never' : `${age(Date.parse(lastAt), nowMs)} ago`),
    },
    {
      title: 'OUTCOME',
      value: ({ lastOutcome, running }) => (running ? 'running' : lastOutcome || '-'),
      tone: (one) => (isFailed(one) ? 'red' : undefined),
    },
    { title: 'SNAPSHOT', value: ({ lastSnapshotId }) => lastSnapshotId || '-', dropAt: 1 },
  ];
  const words =
    retention === ''
      ? 'Nothing is ever deleted unasked: the coordinator’s configuration has no retention.'
      : `Kept: ${retention}.`;
  const list =
    schedules.length === 0
      ? wrap(layout, 'There are no schedules. docs/keeping-snapshots.md shows how to add some.')
      : table(layout, columns, schedules);
  return [
    ...list,
    ...schedules
      .filter(isFailed)
      .flatMap(({ name, lastOutcome, lastMessage }) => [
        '',
        ...wrap(layout, `${name}: ${lastOutcome}: ${lastMessage}`, 2, 0).map((line) =>
          tone(layout, 'red', line),
        ),
      ]),
    '',
    ...wrap(layout, words),
  ];
}

export function isFailed({ lastOutcome }: ScheduleStatus): boolean {
  return lastOutcome !== '' && lastOutcome !== 'done';
}

function nextWord({ nextAt, late, running }: ScheduleStatus, nowMs: number): string {
  if (running) return 'now';
  if (nextAt === '') return 'never';
  const inMs = Date.parse(nextAt) - nowMs;
  if (late) return `late by ${duration(-inMs)}`;
  return inMs <= 0 ? 'due' : `in ${duration(inMs)}`;
}

/** What goes and what stays, and why. */
export function pruneList(layout: Layout, decisions: readonly PruneDecision[], dryRun: boolean): string[] {
  const columns: Column<PruneDecision>[] = [
    { title: 'SNAPSHOT', value: ({ snapshotId }) => snapshotId },
    {
      title: '',
      value: (one) => verb(one, dryRun),
      tone: ({ failure: failed, deletedFor }) =>
        failed === undefined ? (deletedFor === '' ? undefined : 'yellow') : 'red',
    },
    { title: 'WHY', value: ({ keptFor, deletedFor }) => keptFor.join(', ') || deletedFor },
  ];
  const going = decisions.filter(({ deletedFor }) => deletedFor !== '').length;
  const staying = decisions.length - going;
  const words = `${plural(going, 'snapshot')} ${dryRun ? 'would be ' : ''}deleted, ${staying} kept.`;
  return [
    ...(decisions.length === 0 ? [] : [...table(layout, columns, decisions), '']),
    ...wrap(layout, words),
    ...decisions.flatMap(({ failure: failed }) =>
      failed === undefined ? [] : ['', ...failure(layout, failed)],
    ),
  ];
}

function verb({ deletedFor, failure: failed }: PruneDecision, dryRun: boolean): string {
  if (deletedFor === '') return 'kept';
  if (dryRun) return 'to go';
  return failed === undefined ? 'deleted' : 'NOT DELETED';
}

/** What was deleted, or why nothing was and who else may. */
export function deletionPage(
  layout: Layout,
  snapshotId: string,
  cluster: string,
  { deletedFrom, refusals, failures, purgeId, purgeExpiresMs }: OperatorServiceDeleteSnapshotResponse,
): string[] {
  const words =
    deletedFrom.length === 0
      ? 'Nothing was deleted.'
      : `${snapshotId} is deleted from ${deletedFrom.join(', ')}.`;
  const purge = `lockstep snapshot delete ${snapshotId} --approve ${purgeId} --confirm ${cluster}`;
  return [
    ...wrap(layout, words),
    ...renderRefusals(layout, 'Refused', refusals, 'red'),
    ...(purgeId === ''
      ? []
      : [
          '',
          ...wrap(layout, `Another person deletes it, until ${instant(purgeExpiresMs)}, with`),
          ...command(layout, purge),
        ]),
    ...failures.flatMap((one) => ['', ...failure(layout, one)]),
  ];
}

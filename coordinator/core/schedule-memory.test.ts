import { CatalogueEntry, ProofKind } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, it } from 'vitest';
import { Occurrences, type Schedule } from './schedule.ts';
import { lastInCatalogue, MAX_ATTEMPTS, reasonOf, recall } from './schedule-memory.ts';

const schedule: Schedule = {
  name: 'nightly',
  cron: '0 2 * * *',
  timeZone: 'UTC',
  jitterMs: 0,
  action: 'save',
  node: '',
  reason: '',
};
const occurrences = new Occurrences(schedule);
const day = (number: number, hour = 2): number => Date.UTC(2026, 10, number, hour);
const ran = (at: number, fields: { endedMs?: number | undefined; attempt?: number } = {}) => ({
  occurrenceMs: at,
  startedMs: at + 1_000,
  endedMs: at + 5_000,
  attempt: 1,
  ...fields,
});

describe('what ran last', () => {
  it('is on the cards of a schedule, and of none whose name only begins like it', () => {
    const of = (reason: string, number: number) =>
      CatalogueEntry.fromPartial({
        card: { id: `s-${number}`, reason, takenAt: new Date(day(number)).toISOString() },
        marks: {
          proofs: [
            { kind: ProofKind.PROOF_KIND_DRILL, place: 'cp1', at: new Date(day(number, 9)).toISOString() },
          ],
        },
      });
    const withWords = reasonOf({ ...schedule, reason: 'for the auditors' });
    const entries = [
      of('schedule nightly-two', 9),
      of(withWords, 7),
      of('schedule nightly', 6),
      of('schedule nightly of old', 8),
    ];
    expect(lastInCatalogue(schedule, entries)).toEqual({ atMs: day(7), snapshotId: 's-7' });
    expect(lastInCatalogue(schedule, entries.toReversed())?.atMs).toBe(day(7));
    expect(lastInCatalogue({ ...schedule, action: 'drill' }, entries)?.atMs).toBe(day(9, 9));
    expect(lastInCatalogue({ ...schedule, name: 'other' }, entries)).toBeUndefined();
  });

  it.each<[string, ReturnType<typeof recall>, object]>([
    [
      'nothing: begin now',
      recall(occurrences, undefined, undefined, day(7, 9)),
      { kind: 'fresh', occurrenceMs: day(7) },
    ],
    [
      'a card alone',
      recall(occurrences, undefined, { atMs: day(5, 3), snapshotId: 's' }, day(7, 9)),
      { kind: 'catalogue', occurrenceMs: day(5), atMs: day(5, 3), snapshotId: 's' },
    ],
    [
      'the file',
      recall(occurrences, ran(day(6)), { atMs: day(5), snapshotId: 's' }, day(7, 9)),
      { kind: 'file' },
    ],
    [
      'the file, where the card is of the run that it tells of',
      recall(occurrences, ran(day(6)), { atMs: day(6) + 2_000, snapshotId: 's' }, day(7, 9)),
      { kind: 'file' },
    ],
    [
      'interrupted the moment that its card says',
      recall(
        occurrences,
        ran(day(6), { endedMs: undefined }),
        { atMs: day(6) + 1_000, snapshotId: 's' },
        day(7, 9),
      ),
      { kind: 'catalogue', occurrenceMs: day(6), atMs: day(6) + 1_000, snapshotId: 's' },
    ],
    [
      'a later card: another led',
      recall(occurrences, ran(day(5)), { atMs: day(6), snapshotId: 's' }, day(7, 9)),
      { kind: 'catalogue', occurrenceMs: day(6), atMs: day(6), snapshotId: 's' },
    ],
    [
      'interrupted, and no card of it',
      recall(occurrences, ran(day(6), { endedMs: undefined }), { atMs: day(5), snapshotId: 's' }, day(7, 9)),
      { kind: 'interrupted', occurrenceMs: day(5) },
    ],
    [
      'interrupted after its card was written',
      recall(
        occurrences,
        ran(day(6), { endedMs: undefined }),
        { atMs: day(6) + 2_000, snapshotId: 's' },
        day(7, 9),
      ),
      { kind: 'catalogue', occurrenceMs: day(6), atMs: day(6) + 2_000, snapshotId: 's' },
    ],
    [
      'interrupted too often',
      recall(occurrences, ran(day(6), { endedMs: undefined, attempt: MAX_ATTEMPTS }), undefined, day(7, 9)),
      { kind: 'file' },
    ],
  ])('%s', (_, found, expected) => {
    expect(found).toEqual(expected);
  });
});

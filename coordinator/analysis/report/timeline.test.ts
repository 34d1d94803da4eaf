import { describe, expect, it } from 'vitest';
import type { Finding } from '../findings/finding.ts';
import { RevisionTimes } from './revision-times.ts';
import { timelineOf } from './timeline.ts';

const HOUR_MS = 3_600_000;
const NONE = { baselineMs: undefined, compactRevision: 0 };

function finding(sinceRevision: number, at: string): Finding {
  const author = { tool: '', at };
  return { severity: 'high', title: '', subject: '', sinceRevision, author } as unknown as Finding;
}

describe('the times of revisions', () => {
  it('lie between those that objects tell, and at an end are the end’s', () => {
    const times = new RevisionTimes([
      { revision: 10, timeMs: 1000 },
      { revision: 20, timeMs: 2000 },
    ]);
    expect([5, 10, 15, 20, 30].map((revision) => times.timeOf(revision))).toEqual([
      1000, 1000, 1500, 2000, 2000,
    ]);
  });

  it('leave out whatever clock is wrong, early or late', () => {
    const told = [10, 20, 30, 40, 50].map((revision) => ({ revision, timeMs: revision * 100 }));
    const wrong = [
      { revision: 15, timeMs: 9_999_999 },
      { revision: 45, timeMs: 1 },
    ];
    const times = new RevisionTimes([...told, ...wrong]);
    expect([15, 45].map((revision) => times.timeOf(revision))).toEqual([1500, 4500]);
    expect(times.lastMs).toBe(5000);
  });

  it('are unknown where nothing tells any', () => {
    expect(new RevisionTimes([]).timeOf(1)).toBeUndefined();
    expect(
      timelineOf({ times: new RevisionTimes([]), revisions: [1], operations: ['created'] }, [], NONE).span,
    ).toBeUndefined();
  });
});

describe('a timeline', () => {
  const startMs = Date.parse('2026-11-01T00:00:00.000Z');
  const times = new RevisionTimes([
    { revision: 1, timeMs: startMs },
    { revision: 1001, timeMs: startMs + 1000 * HOUR_MS },
  ]);
  const revisions = Array.from({ length: 1001 }, (_, index) => index + 1);
  const operations = revisions.map((revision) => (revision % 2 === 0 ? 'created' : 'deleted'));

  it('counts every write once, whatever is enlarged', () => {
    const line = timelineOf({ times, revisions, operations }, [finding(995, '')], NONE);
    expect(line.focusMs).toBeGreaterThan(startMs + 900 * HOUR_MS);
    const count = line.buckets.reduce(
      (sum, { created, changed, deleted }) => sum + created + changed + deleted,
      0,
    );
    expect(count).toBe(1001);
    expect(
      line.buckets.every(
        ({ startMs: from, endMs }, index) =>
          endMs === (line.buckets[index + 1]?.startMs ?? endMs) && from <= endMs,
      ),
    ).toBe(true);
  });

  it('believes a finding its time, but for one before what was written earlier', () => {
    const at = new Date(startMs + 500 * HOUR_MS).toISOString();
    const [believed, reckoned] = timelineOf(
      { times, revisions, operations },
      [finding(501, at), finding(1001, at)],
      NONE,
    ).marks;
    expect(believed).toMatchObject({ timeMs: startMs + 500 * HOUR_MS, exact: true });
    expect(reckoned).toMatchObject({ exact: true });
    const later = new RevisionTimes([
      { revision: 1, timeMs: startMs },
      { revision: 900, timeMs: startMs + 900 * HOUR_MS },
      { revision: 1001, timeMs: startMs + 1000 * HOUR_MS },
    ]);
    const [old] = timelineOf({ times: later, revisions, operations }, [finding(1001, at)], NONE).marks;
    expect(old).toMatchObject({ timeMs: startMs + 1000 * HOUR_MS, exact: false });
  });
});

import { describe, expect, it } from 'vitest';
import { retentionSchema, schedulesSchema } from './keeping-config.ts';

const nightly = { name: 'nightly', cron: '30 2 * * *', action: 'save' };

describe('schedules in the configuration', () => {
  it('are filled in', () => {
    expect(schedulesSchema.parse([{ ...nightly, jitter: '5m', timeZone: 'Europe/Berlin' }])).toEqual([
      { ...nightly, jitterMs: 300_000, timeZone: 'Europe/Berlin', node: '', reason: '' },
    ]);
    expect(schedulesSchema.parse(undefined)).toEqual([]);
  });

  it.each<[string, object[], string]>([
    ['a line that cannot be read', [{ ...nightly, cron: '61 * * * *' }], 'cannot be read'],
    ['a day that never comes', [{ ...nightly, cron: '0 0 30 2 *' }], 'never comes'],
    ['a zone that is none', [{ ...nightly, timeZone: 'Europe/Nowhere' }], 'time zone'],
    ['a name twice', [nightly, nightly], 'twice'],
    ['another action', [{ ...nightly, action: 'delete' }], 'save'],
    ['a length of time without a unit', [{ ...nightly, jitter: '5' }], 'length of time'],
    ['a field that is none', [{ ...nightly, keep: 3 }], 'keep'],
  ])('are refused with %s', (_, schedules, words) => {
    expect(schedulesSchema.safeParse(schedules).error?.message).toContain(words);
  });
});

describe('retention in the configuration', () => {
  it('is filled in, and left out where nobody wants it', () => {
    expect(retentionSchema.parse({ daily: 7, minAge: '2h' })).toEqual({
      keepLast: 0,
      hourly: 0,
      daily: 7,
      weekly: 0,
      monthly: 0,
      minAgeMs: 7_200_000,
      timeZone: 'UTC',
    });
    expect(retentionSchema.parse(undefined)).toBeUndefined();
  });

  it('must keep something', () => {
    expect(retentionSchema.safeParse({ minAge: '2h' }).error?.message).toContain('must keep something');
    expect(retentionSchema.safeParse({ daily: -1 }).success).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { momentOf } from './moment.ts';

describe('a moment that a person wrote', () => {
  it.each([
    ['2026-11-20T08:00:00Z', Date.UTC(2026, 10, 20, 8)],
    ['2026-11-20T08:00:00.250Z', Date.UTC(2026, 10, 20, 8, 0, 0, 250)],
    ['2026-11-20t08:00:00z', Date.UTC(2026, 10, 20, 8)],
    ['2026-11-20 08:00:00+02:00', Date.UTC(2026, 10, 20, 6)],
    ['2026-11-20T08:00:00-05:30', Date.UTC(2026, 10, 20, 13, 30)],
  ])('%s is one', (text, ms) => expect(momentOf(text)).toBe(ms));

  it.each([
    '',
    '1',
    '2026',
    '2026-11-20',
    '2026-11-20T08:00:00',
    '20.11.2026',
    'yesterday',
    '2026-13-40T08:00:00Z',
    ' 2026-11-20T08:00:00Z',
  ])('%j is none', (text) => expect(momentOf(text)).toBeUndefined());
});

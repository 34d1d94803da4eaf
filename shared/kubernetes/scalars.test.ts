import { describe, expect, it } from 'vitest';
import { durationText, Times } from './scalars.ts';

describe('Times', () => {
  const times = new Times();

  it.each([
    [0, '1970-01-01T00:00:00Z'],
    [1_709_251_199, '2024-02-29T23:59:59Z'],
    [-1, '1969-12-31T23:59:59Z'],
    [-62_135_596_800, null],
    [-62_135_596_799, '0001-01-01T00:00:01Z'],
    [253_402_300_799, '9999-12-31T23:59:59Z'],
    [300_000_000_000, '300000000000 seconds since 1970'],
  ])('prints %d', (seconds, text) => {
    expect(times.seconds(seconds)).toBe(text);
  });

  it('keeps microseconds, all six', () => {
    expect(times.micros(1, 5000)).toBe('1970-01-01T00:00:01.000005Z');
    expect(times.micros(1, 999_999_999)).toBe('1970-01-01T00:00:01.999999Z');
  });
});

describe('durationText', () => {
  it.each([
    [0n, '0s'],
    [1n, '1ns'],
    [1500n, '1.5µs'],
    [2_000_000n, '2ms'],
    [1_000_000_000n, '1s'],
    [61_500_000_000n, '1m1.5s'],
    [3_600_000_000_000n, '1h0m0s'],
    [-90_000_000_000n, '-1m30s'],
    [9_223_372_036_854_775_807n, '2562047h47m16.854775807s'],
  ])('prints %d as Go does', (nanos, text) => {
    expect(durationText(nanos)).toBe(text);
  });
});

import { expect, test } from 'vitest';
import { type Attempt, Availability, outageMs, outages, type ProbeEvent } from './availability.ts';

function observed(servers: number, attempts: readonly Attempt[]): ProbeEvent[] {
  const availability = new Availability(servers);
  return attempts.flatMap((attempt) => availability.observe(attempt) ?? []);
}

const ok = (server: number, atMs: number): Attempt => ({ server, ok: true, atMs });
const failed = (server: number, atMs: number): Attempt => ({ server, ok: false, atMs });

test('an outage reaches from the last write that worked to the first that works again', () => {
  const events = observed(2, [
    ok(0, 100),
    ok(1, 120),
    failed(0, 130),
    failed(1, 150),
    failed(0, 900),
    ok(1, 1_120.4),
  ]);
  expect(events).toEqual([
    { event: 'up', atMs: 100 },
    { event: 'down', atMs: 150, lastSuccessMs: 120 },
    { event: 'up', atMs: 1_120.4 },
  ]);
  expect(outageMs(events)).toBe(1_000);
});

test('one server down, or each in its turn, is no outage', () => {
  const events = observed(3, [
    ok(0, 0),
    failed(1, 10),
    failed(2, 20),
    ok(0, 30),
    failed(0, 40),
    failed(1, 50),
    ok(2, 60),
  ]);
  expect(outages(events)).toEqual([]);
  expect(outageMs(events)).toBe(0);
});

test('two outages add up', () => {
  const events = observed(1, [ok(0, 0), failed(0, 10), ok(0, 200), failed(0, 210), ok(0, 500)]);
  expect(outages(events)).toHaveLength(2);
  expect(outageMs(events)).toBe(500);
});

test('an outage that lasts has no figure', () => {
  const events = observed(1, [ok(0, 0), failed(0, 10)]);
  expect(outages(events)).toEqual([{ fromMs: 0, toMs: undefined }]);
  expect(() => outageMs(events)).toThrow('has not come back');
});

test('an API that was never up cannot go down', () => {
  expect(observed(1, [failed(0, 10), failed(0, 20)])).toEqual([]);
});

test('a success that arrives late does not move the last one back', () => {
  const events = observed(2, [ok(0, 100), ok(1, 90), failed(0, 110), failed(1, 110)]);
  expect(events.at(-1)).toEqual({ event: 'down', atMs: 110, lastSuccessMs: 100 });
});

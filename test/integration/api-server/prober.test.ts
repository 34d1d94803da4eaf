import { afterAll, beforeAll, expect, test } from 'vitest';
import { outages } from '../../lab/prober/availability.ts';
import { Prober } from '../../lab/prober/prober.ts';
import { Fixture } from './fixture.ts';

const TIMEOUT_MS = 30_000;

let fixture: Fixture;

beforeAll(async () => {
  fixture = await Fixture.create();
  await fixture.startEtcd();
  fixture.startApiServer();
  await fixture.waitReady();
});

afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
});

test('an outage is as long as the API was away, whichever part of it was', async () => {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  await using prober = await Prober.start([fixture.client.server], fixture.clientFiles, signal);

  const killedMs = performance.now();
  await fixture.killApiServer();
  fixture.startApiServer();
  await prober.waitDown(signal);
  await prober.waitUp(signal);
  const awayMs = performance.now() - killedMs;
  const [first] = outages(prober.events);
  const seenMs = (first?.toMs ?? 0) - (first?.fromMs ?? 0);
  expect(Math.abs(seenMs - awayMs)).toBeLessThan(300);

  await fixture.killEtcd();
  await prober.waitDown(signal);
  await fixture.startEtcd();
  await prober.waitUp(signal);
  expect(outages(prober.events)).toHaveLength(2);
  expect(await prober.stop()).toBeGreaterThan(seenMs);
});

test('a server that is down beside one that works is no outage', async () => {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const nobody = 'https://127.0.0.1:9';
  await using prober = await Prober.start([fixture.client.server, nobody], fixture.clientFiles, signal);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await prober.stop()).toBe(0);
  expect(prober.events.at(-1)).toMatchObject({ event: 'stopped' });
});

import { describe, expect, it } from 'vitest';
import { newSeed } from './command/options.ts';
import { runPool } from './command/pool.ts';
import { eventsPerOperation, eventsPerSecond, shareOf } from './command/totals.ts';
import { eventDigest } from './digest.ts';
import { outcomeOf } from './outcomes.ts';
import { simulate } from './simulate.ts';

const SLICE_MS = 20_000;
/** On a busy machine it takes longer: fewer would say nothing of the shares. */
const LEAST_OPERATIONS = 100;
/** More than can be run in that time. */
const MANY = 1_000_000;

describe('a slice of the million', () => {
  it('breaks no invariant', async () => {
    const seed = newSeed();
    const until = performance.now() + SLICE_MS;
    const { totals } = await runPool({
      seed,
      from: 0,
      to: MANY,
      jobs: 1,
      keepGoing: false,
      isOver: ({ failures, operations }) =>
        failures.length > 0 || (performance.now() > until && operations >= LEAST_OPERATIONS),
      onProgress: () => {},
    });
    process.stdout.write(
      `seed ${seed}: ${totals.operations} operations, ${eventsPerOperation(totals).toFixed(0)} events each, ` +
        `${Math.round(eventsPerSecond(totals))} a second; restored ${shareOf(totals, 'restored').toFixed(2)}, ` +
        `rolled back ${shareOf(totals, 'rolled-back').toFixed(2)}\n`,
    );
    const replays = totals.failures.map(
      ({ token, message }) => `${message}\nreplay: npm run sim -- --replay ${token}`,
    );
    expect(replays).toEqual([]);
    // Far below what the million must show, so that chance alone never fails it.
    expect(shareOf(totals, 'restored')).toBeGreaterThan(0.05);
    expect(shareOf(totals, 'rolled-back')).toBeGreaterThan(0.05);
    expect(eventsPerOperation(totals)).toBeGreaterThan(300);
  });
});

describe('one seed', () => {
  const digestOf = async (index: number): Promise<string> => {
    const digest = eventDigest();
    const { outcome, events } = await simulate({ seed: 20_261_122, index, script: undefined }, (world) =>
      digest.see(world),
    );
    return `${outcomeOf(outcome)} after ${events} events: ${digest.value()}`;
  };

  it('gives the same events again, whatever ran before', async () => {
    const first: string[] = [];
    for (let index = 0; index < 20; index += 1) first.push(await digestOf(index));
    expect(new Set(first).size).toBe(first.length);
    for (const index of [7, 19, 0, 7]) expect(await digestOf(index)).toBe(first[index]);
  });

  it('gives the same events where its faults are told outright', async () => {
    const derived = await simulate({ seed: 20_261_122, index: 3, script: undefined });
    const told = await simulate({ seed: 20_261_122, index: 3, script: derived.script });
    expect(told).toEqual(derived);
  });
});

import { describe, expect, it } from 'vitest';
import { runNear } from './command/near.ts';
import { runRange } from './command/range.ts';
import { coverageOf } from './coverage-table.ts';
import { simulate } from './simulate.ts';
import { parseToken } from './token.ts';

const SEED = 7;
const OPERATIONS = 30;
const REQUIRED = 2;

describe('operations near those that hit a rare cell', () => {
  it('hit it as often as is required, where chance alone did not, and replay', async () => {
    const totals = await runRange({ seed: SEED, from: 0, to: OPERATIONS, keepGoing: true });
    const rare = coverageOf(totals.cells, REQUIRED)
      .missing.filter(({ hits }) => hits > 0)
      .map(({ cell }) => cell);
    expect(rare.length).toBeGreaterThan(20);
    await runNear({
      totals,
      seed: SEED,
      required: REQUIRED,
      most: 4_000,
      isOver: () => false,
      onProgress: () => {},
    });
    for (const cell of rare) expect(totals.cells[cell], cell).toBeGreaterThanOrEqual(REQUIRED);
    expect(totals.failures).toEqual([]);
    expect(totals.operations).toBeGreaterThan(OPERATIONS);

    const varied = Object.entries(totals.examples).find(([, token]) => token.includes(':'));
    const { transitions, faults } = await simulate(parseToken(varied?.[1] ?? ''));
    expect([...transitions, ...faults].length).toBeGreaterThan(0);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  ASK_CELLS,
  coverageOf,
  FAULT_CELLS,
  IMPOSSIBLE,
  STEP_CELLS,
  TRANSITIONS,
} from '../coverage-table.ts';
import { parseOptions } from './options.ts';
import { readSliceFile, writeSliceFile } from './slice-file.ts';
import { addTotals, eventsPerOperation, eventsPerSecond, noTotals, shareOf } from './totals.ts';

const scratch = mkdtempSync(join(tmpdir(), 'lockstep-sim-'));
afterAll(() => rmSync(scratch, { recursive: true }));

describe('options', () => {
  it('have defaults', () => {
    expect(parseOptions([])).toMatchObject({
      kind: 'run',
      runs: 1000,
      seed: undefined,
      jobs: 1,
      slice: 1000,
    });
  });

  it.each([
    ['--runs', '0'],
    ['--runs', '1e3'],
    ['--seed', '4294967296'],
    ['--jobs', 'x'],
    ['--nothing'],
    ['-o', 'x'],
  ])('refuse %s %s', (...args) => {
    expect(parseOptions(args.filter(Boolean))).toMatchObject({ kind: 'unusable' });
  });

  it('take a token', () => {
    expect(parseOptions(['--replay', '7.31'])).toMatchObject({ kind: 'replay', token: '7.31' });
    expect(parseOptions(['--help', '--replay', '7.31'])).toEqual({ kind: 'help' });
  });
});

describe('a slice file', () => {
  it('is read as it was written, and refused where it is none', () => {
    const path = join(scratch, 'state.json');
    expect(readSliceFile(path)).toBeUndefined();
    const totals = { ...noTotals(), operations: 3, cells: { 'transition a -> b': 2 } };
    writeSliceFile(path, { seed: 7, nextIndex: 3, totals });
    expect(readSliceFile(path)).toMatchObject({ seed: 7, nextIndex: 3, totals });
    writeFileSync(path, '{"version":2}');
    expect(() => readSliceFile(path)).toThrow(/is no state of a simulation/);
  });
});

describe('totals', () => {
  it('add up', () => {
    const sum = noTotals();
    const half = {
      ...noTotals(),
      operations: 2,
      events: 600,
      cpuMs: 4,
      outcomes: { restored: 1 },
      cells: { a: 1 },
    };
    addTotals(sum, half);
    addTotals(sum, half);
    expect(sum).toMatchObject({ operations: 4, cells: { a: 2 } });
    expect(shareOf(sum, 'restored')).toBe(0.5);
    expect(shareOf(sum, 'refused')).toBe(0);
    expect(eventsPerOperation(sum)).toBe(300);
    expect(eventsPerSecond(sum)).toBe(150_000);
  });
});

describe('the coverage table', () => {
  const all = [...TRANSITIONS, ...STEP_CELLS, ...ASK_CELLS, ...FAULT_CELLS];
  const impossible = new Set(IMPOSSIBLE.flatMap(({ cells }) => cells));
  const full = Object.fromEntries(all.filter((cell) => !impossible.has(cell)).map((cell) => [cell, 100]));

  it('calls impossible only what it has, and gives a reason', () => {
    expect([...impossible].filter((cell) => !all.includes(cell))).toEqual([]);
    for (const { cells, why } of IMPOSSIBLE) {
      expect(cells.length).toBeGreaterThan(0);
      expect(why).toMatch(/\.$/);
    }
  });

  it('names a cell once', () => {
    expect(new Set(all).size).toBe(all.length);
  });

  it('misses what was hit too seldom', () => {
    expect(coverageOf(full, 100)).toMatchObject({ missing: [], unforeseen: [] });
    const [cell = ''] = TRANSITIONS;
    expect(coverageOf({ ...full, [cell]: 99 }, 100).missing).toEqual([{ cell, hits: 99, why: undefined }]);
  });

  it('does not overlook what it does not have, nor what it calls impossible', () => {
    const [cell = ''] = impossible;
    const { unforeseen } = coverageOf({ ...full, [cell]: 1, 'transition x -> y': 1 }, 100);
    expect(unforeseen.map((row) => row.cell).sort()).toEqual([cell, 'transition x -> y'].sort());
  });
});

import { HANDLERS, type Handlers } from '@lockstep/agent/executor/handlers.ts';
import { systemClock } from '@lockstep/shared/clock.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { describe, expect, it } from 'vitest';
import { faultsOf, Search, type SearchResult, type SearchSettings } from './search.ts';
import type { Happening } from './successors.ts';
import { traceText } from './trace.ts';

const MINUTE_MS = 60_000;
const MB = 1024 * 1024;

interface Searching {
  readonly result: SearchResult;
  /** Empty where nothing is wrong, else the whole path, for a person. */
  readonly wrong: string;
}

async function searched(change: Partial<SearchSettings>): Promise<Searching> {
  const search = new Search({
    nodes: 3,
    faults: 0,
    coordinators: 2,
    only: undefined,
    reduce: true,
    startMembersInTurn: false,
    memoryBytes: 2000 * MB,
    deadlineMs: 2 * MINUTE_MS,
    liveness: true,
    now: () => systemClock.monotonicMs(),
    report: () => {},
    ...change,
  });
  const result = await search.run();
  const { violation } = result;
  const path = violation === undefined ? [] : [violation.words, ...traceText(search, violation.trace)];
  return { result, wrong: path.join('\n') };
}

function only(...kinds: Happening[]): Partial<SearchSettings> {
  return { faults: 1, only: new Set(kinds) };
}

function without(step: keyof Handlers): Handlers {
  return { ...HANDLERS, [step]: { ...HANDLERS[step], perform: async () => ({}) } };
}

function outcomes({ ends }: SearchResult): string[] {
  return [...ends.keys()].sort();
}

describe('every interleaving, without faults', () => {
  it.each([false, true])('of three nodes ends restored (members in turn: %s)', async (startMembersInTurn) => {
    const { result, wrong } = await searched({ startMembersInTurn, reduce: false });
    expect(wrong).toBe('');
    expect(result).toMatchObject({ ending: 'whole', stuck: -1 });
    expect(outcomes(result)).toStrictEqual(['restored']);
    expect(result.states).toBeGreaterThan(1000);
  });

  it('one order of what cannot matter leads to the same ends as all orders', async () => {
    const [some, all] = [await searched({}), await searched({ reduce: false })];
    expect(some.result.states).toBeLessThan(all.result.states);
    expect(outcomes(some.result)).toStrictEqual(outcomes(all.result));
  });
});

describe('a step that does nothing', () => {
  it.each([Step.STEP_FENCE_API, Step.STEP_FENCE_ETCD, Step.STEP_SWAP] as const)(
    '%i is found out by the next one, and undone',
    async (step) => {
      const { result, wrong } = await searched({ handlers: without(step) });
      expect(wrong).toBe('');
      expect(outcomes(result)).toStrictEqual(['rolled-back']);
    },
  );
});

describe('every interleaving, with one fault', () => {
  it.each([
    { kinds: only('loseQuestion'), ends: ['restored'] },
    { kinds: only('loseAnswer'), ends: ['restored'] },
    { kinds: only('slowStep'), ends: ['restored', 'rolled-back'] },
  ])('ends $ends', async ({ kinds, ends }) => {
    const { result, wrong } = await searched(kinds);
    expect(wrong).toBe('');
    expect(result).toMatchObject({ ending: 'whole', stuck: -1 });
    expect(outcomes(result)).toStrictEqual(ends);
  });

  it.each([
    { what: 'an undo that undoes nothing', step: Step.STEP_UNDO_STOP },
    { what: 'an undo that starts nothing', step: Step.STEP_UNDO_START },
  ] as const)('finds $what', async ({ step }) => {
    const { result, wrong } = await searched({
      ...only('failStep'),
      handlers: without(step),
      liveness: false,
    });
    expect(result.ending).toBe('violation');
    expect(wrong).toContain('a write fails');
  });

  it('names the faults that an end took', async () => {
    const { result } = await searched(only('loseQuestion'));
    const [restored] = result.ends.values();
    expect([...(restored?.kinds ?? [])].map(faultsOf)).toStrictEqual([[]]);
  });
});

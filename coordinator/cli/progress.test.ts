import { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import { describe, expect, test } from 'vitest';
import { BUILDING, FENCING, NOW_MS, RESTORED, UNDOING } from './golden/fixtures.ts';
import {
  advance,
  availability,
  emptyProgress,
  isCommitted,
  isNews,
  remainingMs,
  runningPhase,
} from './progress.ts';

const fold = (events: readonly OperationEvent[]) =>
  events.reduce(advance, emptyProgress(['cp1', 'cp2', 'cp3']));

describe('what a watcher knows', () => {
  test('the phase that runs and each node’s part in it', () => {
    const progress = fold(BUILDING);
    expect(runningPhase(progress)?.phase).toBe(4);
    expect(progress.nodes.map(({ node, step, done }) => [node, step, done])).toEqual([
      ['cp1', '', false],
      ['cp2', 'building', false],
      ['cp3', 'reading back', true],
    ]);
  });

  test('how long a step still takes, from its own rate', () => {
    const [, building] = fold(BUILDING).nodes;
    // 8 of 24 MiB in 2.4 s: the other 16 take twice as long.
    const nowMs = (building?.sinceMs ?? 0) + 2_400;
    expect(remainingMs(building as never, nowMs)).toBe(4_800);
    expect(remainingMs({ ...(building as never as object), doneBytes: 0 } as never, nowMs)).toBeUndefined();
    expect(remainingMs(building as never, (building?.sinceMs ?? 0) + 500)).toBeUndefined();
  });

  test('whether the API serves: not from fence to the end of start-controllers', () => {
    expect(availability(fold(BUILDING), NOW_MS + 99_000)).toEqual({ state: 'before-downtime', downMs: 0 });
    const fenced = fold(FENCING);
    expect(availability(fenced, fenced.atMs + 1_000).state).toBe('down');
    expect(availability(fenced, fenced.atMs + 1_000).downMs).toBe(
      availability(fenced, fenced.atMs).downMs + 1_000,
    );
    expect(availability(fold(RESTORED), NOW_MS + 99_000)).toEqual({ state: 'back', downMs: 8_300 });
  });

  test('the point of no return is behind once commit has ended, not when it begins', () => {
    const until = (length: number) => fold(RESTORED.slice(0, length));
    const ended = RESTORED.findIndex(
      ({ event }) => event?.$case === 'phaseEnded' && event.value.phase === 10,
    );
    expect(isCommitted(until(ended))).toBe(false);
    expect(isCommitted(until(ended + 1))).toBe(true);
    expect(isCommitted(fold(UNDOING))).toBe(false);
  });

  test('an end is one until somebody resumes', () => {
    const ended = fold(RESTORED);
    expect(ended.ended?.outcome).toBe(1);
    const [resumed] = BUILDING as [OperationEvent];
    expect(advance(ended, resumed)).not.toHaveProperty('ended');
  });

  test('a stream that is read again tells nothing twice, and a journal that counts anew is heard', () => {
    const progress = fold(BUILDING);
    expect(BUILDING.filter((event) => isNews(progress, event))).toEqual([]);
    const anew = OperationEvent.create({ operationId: 'r', sequence: 1n, atMs: BigInt(progress.atMs + 5) });
    expect(isNews(progress, anew)).toBe(true);
  });
});

import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { describe, expect, it } from 'vitest';
import { PHASES } from './coverage-table.ts';
import { operationSeed, parseToken, tokenText } from './token.ts';
import { FAULT_KINDS } from './world/faults.ts';

describe('a token', () => {
  it('is read as it was written', () => {
    const script = FAULT_KINDS.map((kind, index) => ({
      kind,
      phase: PHASES[index % PHASES.length] ?? Phase.PHASE_UNDO,
      after: index,
      target: 2,
      draw: 2 ** 32 - 1,
    }));
    for (const token of [
      { seed: 7, index: 31, script: undefined },
      { seed: 2 ** 32 - 1, index: 999_999, script },
      { seed: 0, index: 0, script: [] },
    ]) {
      expect(parseToken(tokenText(token))).toEqual(token);
    }
  });

  it('needs no quotes in a shell', () => {
    const fault = { kind: 'disk-full', phase: Phase.PHASE_REINSPECT, after: 3, target: 1, draw: 42 } as const;
    expect(tokenText({ seed: 7, index: 31, script: [fault] })).toBe('7.31:disk-full@re-inspect+3/1/42');
  });

  it.each(['', '7', '7.x', '7.1:nothing@swap+1/1/1', '7.1:disk-full@nowhere+1/1/1'])('is not %j', (text) => {
    expect(() => parseToken(text)).toThrow(/is no (token|fault)/);
  });

  it('gives each operation a seed of its own', () => {
    const seeds = [0, 1, 2 ** 32 - 1].flatMap((seed) =>
      [0, 1, 2 ** 32 - 1].map((index) => operationSeed({ seed, index })),
    );
    expect(new Set(seeds).size).toBe(9);
  });
});

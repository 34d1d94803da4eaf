import { catalogue, type ErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { collectOverride, collectPlaced, parseDurationMs } from './arguments.ts';
import { completionScript } from './completion.ts';
import { EXIT, exitOfError } from './exit-codes.ts';
import { plain } from './plain.ts';
import { createProgram } from './program.ts';

const program = createProgram(() => {});
const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];

describe('arguments', () => {
  test.each([
    ['90s', 90_000],
    ['2m', 120_000],
    ['1m30s', 90_000],
    ['1500ms', 1_500],
    ['1h', 3_600_000],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  test.each(['', '90', 's', '90 s', '-5s', '5x'])('"%s" is no length of time', (text) => {
    expect(() => parseDurationMs(text)).toThrow('length of time');
  });

  test('overrides and places are collected; half of one is refused', () => {
    expect(collectOverride('CLOCK_SKEW=ntp is down', [])).toEqual([
      { code: 'CLOCK_SKEW', reason: 'ntp is down' },
    ]);
    expect(() => collectOverride('CLOCK_SKEW', [])).toThrow('CODE=REASON');
    expect(collectPlaced('cp1=[fd00::1]:7443', [])).toEqual([{ name: 'cp1', address: '[fd00::1]:7443' }]);
    expect(() => collectPlaced('cp1', [])).toThrow('NAME=ADDRESS');
  });
});

describe('exit codes', () => {
  const codes = Object.keys(catalogue) as ErrorCode[];

  test('every refusal is 5: nothing was changed', () => {
    for (const code of codes.filter((one) => catalogue[one].class !== 'fault')) {
      expect([code, exitOfError(code)]).toEqual([code, EXIT.refused]);
    }
  });

  test('no error is success', () => {
    expect(codes.filter((code) => exitOfError(code) === EXIT.done)).toEqual([]);
  });
});

describe('help and completion', () => {
  const leaves = all(program).filter(({ commands }) => commands.length === 0);

  test('every command says what it does', () => {
    expect(leaves.length).toBeGreaterThan(18);
    expect(leaves.filter((command) => command.description() === '').map((command) => command.name())).toEqual(
      [],
    );
  });

  test('every command that answers takes the same options', () => {
    const outside = ['completion', 'up', 'down', 'demo'];
    for (const command of leaves.filter((leaf) => !outside.includes(leaf.name()))) {
      const longs = command.options.map(({ long }) => long);
      const asksNobody = command.parent?.name() === 'inspect';
      expect([command.name(), longs]).toEqual([
        command.name(),
        expect.arrayContaining(asksNobody ? ['--output'] : ['--output', '--context', '--config']),
      ]);
      expect(asksNobody && longs.includes('--context'), command.name()).toBe(false);
    }
  });

  test.each(['bash', 'zsh', 'fish'] as const)('%s completes every command', (shell) => {
    const script = completionScript(program, shell);
    for (const command of leaves) expect(script).toContain(command.name());
    expect(script).toContain(shell === 'fish' ? '-l max-outage' : '--max-outage');
  });
});

test('JSON is what a script can compute with', () => {
  expect(
    plain({
      a: 5n,
      b: 2n ** 60n,
      c: new Uint8Array([1, 2]),
      d: { $case: 'x', value: { y: undefined, z: 1n } },
      e: [0n],
    }),
  ).toEqual({ a: 5, b: '1152921504606846976', c: 'AQI=', d: { x: { z: 1 } }, e: [0] });
});

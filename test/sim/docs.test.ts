import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { INVARIANTS } from './checkers/all.ts';
import { CIRCUMSTANCES } from './checkers/needs-operator.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/simulator.md'), 'utf8');

describe('docs/simulator.md', () => {
  it('has every invariant in its words', () => {
    const rows = page.replaceAll(/ +\|/g, ' |');
    const missing = INVARIANTS.filter(({ name, promise }) => !rows.includes(`| \`${name}\` | ${promise} |`));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  it('has every circumstance in which a person is needed, and why', () => {
    const missing = CIRCUMSTANCES.filter(({ when, why }) => !page.includes(when) || !page.includes(why));
    expect(missing.map(({ codes }) => codes)).toEqual([]);
  });
});

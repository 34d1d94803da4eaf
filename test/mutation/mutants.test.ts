import { describe, expect, it } from 'vitest';
import type { Mutant } from './mutant.ts';
import { mutantsOf } from './mutants.ts';

function mutantsIn(text: string, file = 'agent/core/example.ts'): Mutant[] {
  return mutantsOf(file, text);
}

/** Each mutant as its whole program. */
function programs(text: string, operator: Mutant['operator'], file?: string): string[] {
  return mutantsIn(text, file)
    .filter((mutant) => mutant.operator === operator)
    .map((mutant) => mutant.text);
}

describe('operators', () => {
  it.each<[Mutant['operator'], string, string[]]>([
    ['sync', 'await syncPath(dirname(a));', ['await undefined;']],
    ['sync', "db.exec('PRAGMA synchronous = FULL;');", ["db.exec('PRAGMA synchronous = OFF;');"]],
    ['comparison', 'const b = a.number > c.number;', ['const b = a.number >= c.number;']],
    ['comparison', 'const b = a === c;', ['const b = a !== c;']],
    ['proof', 'async function f() { await prove(); }', ['async function f() { await undefined; }']],
    ['proof', "const plan = required(node.plan, 'plan');", ['const plan = (node.plan);']],
    ['record', 'ledger.recordCommit(a, b);', ['undefined;']],
    ['flag', 'state.mayBeCommitted = true;', ['state.mayBeCommitted = false;']],
    [
      'order',
      'async function f() { await a(); await b(); }',
      ['async function f() { await b(); await a(); }'],
    ],
    [
      'table',
      'const ONLY = new Set([A, B]);',
      ['const ONLY = new Set([ B]);', 'const ONLY = new Set([A, ]);'],
    ],
    [
      'table',
      'const FOLLOWS = { [A]: B, [C]: undefined };',
      ['const FOLLOWS = { [A]: undefined, [C]: undefined };'],
    ],
  ])('%s: %s', (operator, text, mutated) => {
    expect(programs(text, operator)).toStrictEqual(mutated);
  });

  it('takes a guard never and always, and each of its parts out of it', () => {
    expect(programs('function f() { if (!a.held || isOld(b)) throw c; }', 'guard')).toStrictEqual([
      'function f() { if (false) throw c; }',
      'function f() { if (true) throw c; }',
      'function f() { if (!a.held) throw c; }',
      'function f() { if (isOld(b)) throw c; }',
      'function f() { if (a.held || isOld(b)) throw c; }',
    ]);
  });

  it('records an intent after its effect', () => {
    const text =
      'async function f() { const s = l.recordIntent(a); try { const r = await h.perform(b); l.done(s); } catch {} }';
    expect(programs(text, 'record')).toContain(
      'async function f() {  try { const r = await h.perform(b); const s = l.recordIntent(a); l.done(s); } catch {} }',
    );
  });

  it('changes the places of the steps of a table whose order is an order of work', () => {
    const phases = 'coordinator/core/phases.ts';
    expect(programs('const UNDO_STEPS = [A, B];', 'table', phases)).toContain('const UNDO_STEPS = [B, A];');
    expect(programs('const CHECKS = [A, B];', 'table', phases)).not.toContain('const CHECKS = [B, A];');
  });

  it('lets words alone, and what only tells the compiler', () => {
    const told =
      'function f() { logger.info({ a: b > c }); throw new LockstepError("X", { message: `${a === b ? 1 : 2}` }); }';
    expect(mutantsIn(told)).toStrictEqual([]);
    expect(programs('function f() { if (a === undefined) throw new Error("no a"); }', 'guard')).toStrictEqual(
      [],
    );
  });

  it('leaves a maximum as it is: of equals either will do', () => {
    expect(mutantsIn('const c = a > b ? a : b;')).toStrictEqual([]);
  });

  it('moves nothing before what it needs', () => {
    expect(programs('async function f() { const a = await b(); await c(a); }', 'order')).toStrictEqual([]);
  });
});

describe('a mutant', () => {
  const text = 'function f(a: number): void { if (a > 1) throw a; if (a > 1) throw a; }';

  it('keeps its name when lines come and go above it', () => {
    const moved = `// A comment.\nconst other: string = 'x';\n${text}`;
    expect(mutantsIn(moved).map(({ id }) => id)).toStrictEqual(mutantsIn(text).map(({ id }) => id));
  });

  it('has a name of its own', () => {
    const ids = mutantsIn(text).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

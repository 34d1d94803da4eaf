import { join } from 'node:path';
import { TemporaryFiles } from '@lockstep/shared/snapshot/testing/temporary-file.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { readCorpus } from './corpus.ts';
import { judge, kindOf } from './judge.ts';
import { mutantOf } from './mutate.ts';

const files = new TemporaryFiles();
afterAll(() => files[Symbol.dispose]());
const path = join(files.directory, 'mutant.db');
const corpus = readCorpus();

/* A slice of `npm run fuzz`: enough to see that the reader and the fuzzer hold together. */

describe('fuzzing', () => {
  it.each(corpus.map((seed) => [seed.name, seed] as const))('%s is read as it is', (_name, seed) => {
    expect(judge({ seed, bytes: seed.bytes, changes: [] }, path)).toMatchObject({ kind: 'read' });
  });

  it('reads every mutant or refuses it with the page at fault', () => {
    const kinds = new Set<string>();
    for (let index = 0; index < 200; index++) {
      const mutant = mutantOf(corpus, 1n, index);
      const verdict = judge(mutant, path);
      kinds.add(kindOf(verdict));
      expect(verdict, `--seed 1 --replay ${index}: ${mutant.changes.join('; ')}`).not.toMatchObject({
        kind: 'failed',
      });
    }
    // Far more than the first check that anything meets.
    expect(kinds.size).toBeGreaterThan(15);
  }, 60_000);

  it('makes the same mutant of the same number', () => {
    for (const index of [0, 1, 77]) {
      expect(mutantOf(corpus, 5n, index)).toEqual(mutantOf(corpus, 5n, index));
    }
  });
});

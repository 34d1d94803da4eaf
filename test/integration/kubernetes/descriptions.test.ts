import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { describeAll, isAtHand } from '../../../scripts/kubernetes-descriptions/describe.ts';

const DIRECTORY = resolve(import.meta.dirname, '../../../shared/kubernetes/descriptions');
const TIMEOUT_MS = 60_000;

// Where they are not, making them takes minutes and Go: node scripts/kubernetes-descriptions/make.ts.
it.skipIf(!(await isAtHand()))('the tables are what the script makes of the pinned modules', async () => {
  const made = await describeAll(AbortSignal.timeout(TIMEOUT_MS));
  expect([...made.keys()].sort()).toEqual((await readdir(DIRECTORY)).sort());
  for (const [name, text] of made) {
    expect(await readFile(join(DIRECTORY, name), 'utf8'), name).toBe(text);
  }
});

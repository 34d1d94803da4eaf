/** Writes the tables of stored kinds, shared/kubernetes/descriptions/, from the pinned modules. Takes Go. */
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describeAll } from './describe.ts';

const TARGET = resolve(import.meta.dirname, '../../shared/kubernetes/descriptions');
const TIMEOUT_MS = 40 * 60_000;

for (const [name, text] of await describeAll(AbortSignal.timeout(TIMEOUT_MS))) {
  await writeFile(join(TARGET, name), text);
  process.stdout.write(`${name}: ${text.split('\n').length} lines\n`);
}

import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { constants, getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runTask } from './in-worker.ts';

/** Large enough for a worker, and a hole: it takes no disk. */
const FILE_BYTES = 64 * 1024 * 1024;
const LOOK_INTERVAL_MS = 5;
/** A nice thread waits for whoever else is busy. */
const NICE_TIMEOUT_MS = 60_000;

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-worker-'));
  await using file = await open(join(directory, 'large'), 'w');
  await file.truncate(FILE_BYTES);
});
afterAll(async () => rm(directory, { recursive: true, force: true }));

/** How nice each thread of this process is, as the kernel has it. */
function niceness(): number[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    try {
      const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
      return [Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])];
    } catch {
      return [];
    }
  });
}

/** The threads that became nice while the file was read. */
async function mostNiced(background: boolean): Promise<number> {
  const signal = AbortSignal.timeout(NICE_TIMEOUT_MS);
  const before = niceness().filter((nice) => nice === 19).length;
  const ended = new AbortController();
  const read = runTask('digest', { path: join(directory, 'large') }, signal, background).finally(() =>
    ended.abort(),
  );
  let most = 0;
  while (!ended.signal.aborted) {
    most = Math.max(most, niceness().filter((nice) => nice === 19).length - before);
    await delay(LOOK_INTERVAL_MS);
  }
  await read;
  return most;
}

/** Whose tests are all run so has nothing to see. */
const isNice = getPriority() === constants.priority.PRIORITY_LOW;

describe.skipIf(isNice)('a large file', () => {
  it(
    'is read at the lowest priority where nobody waits, by that one thread',
    async () => {
      expect(await mostNiced(true)).toBe(1);
    },
    NICE_TIMEOUT_MS,
  );

  it(
    'and as everything else where somebody does',
    async () => {
      expect(await mostNiced(false)).toBe(0);
    },
    NICE_TIMEOUT_MS,
  );
});

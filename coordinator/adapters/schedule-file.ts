import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@lockstep/shared/logging.ts';
import { z } from 'zod';
import type { ScheduleRun, ScheduleRuns } from '../runner/ports.ts';

const run = z.object({
  schedule: z.string(),
  occurrenceMs: z.number(),
  startedMs: z.number(),
  endedMs: z.number().optional(),
  outcome: z.string(),
  message: z.string(),
  snapshotId: z.string(),
  attempt: z.number(),
});

/** `schedules.json`: the last run of each schedule. One that cannot be read is as none: the catalogue tells. */
export class ScheduleFile implements ScheduleRuns {
  readonly #dir: string;
  readonly #logger: Logger;
  #runs = new Map<string, ScheduleRun>();
  #writing: Promise<unknown> = Promise.resolve();

  constructor(stateDir: string, logger: Logger) {
    this.#dir = stateDir;
    this.#logger = logger;
  }

  async load(): Promise<ScheduleRun[]> {
    const path = join(this.#dir, 'schedules.json');
    try {
      const found = z.array(run).parse(JSON.parse(await readFile(path, 'utf8')));
      this.#runs = new Map(found.map((each) => [each.schedule, { ...each, endedMs: each.endedMs }]));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.#logger.warn({ err: error, path }, 'what schedules ran last is not known from here');
      }
    }
    return [...this.#runs.values()];
  }

  async put(last: ScheduleRun): Promise<void> {
    this.#runs.set(last.schedule, last);
    const text = JSON.stringify([...this.#runs.values()], null, 2);
    const mine = this.#writing.then(() => this.#write(text));
    this.#writing = mine.catch(() => undefined);
    await mine;
  }

  async #write(text: string): Promise<void> {
    const path = join(this.#dir, 'schedules.json');
    {
      await using handle = await open(`${path}.tmp`, 'w', 0o600);
      await handle.writeFile(`${text}\n`);
      await handle.sync();
    }
    await rename(`${path}.tmp`, path);
    await using directory = await open(this.#dir, 'r');
    await directory.sync();
  }
}

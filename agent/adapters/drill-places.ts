import { closeSync } from 'node:fs';
import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Clock } from '@lockstep/shared/clock.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';

import { isSafeName } from '../core/paths.ts';
import type { DrillPlaces } from '../drill/ports.ts';
import { absentAsUndefined, errorCodeOf, syncPath } from './host-files.ts';
import type { FileIdentity } from './proc-tables.ts';
import { identityIfThere, type ProcessTable } from './process-table.ts';
import type { Syscalls } from './syscalls.ts';

/** A process that was killed and is still there after this long waits for a disk that does not answer. */
const GONE_TIMEOUT_MS = 10_000;
const POLL_MS = 20;
/** A killed process may finish the write that it is in while its directory is taken away. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 } as const;

export interface DrillPlacesSettings {
  /** Real path of the agent's state directory, and the same as a host path. */
  readonly stateDir: string;
  readonly hostStateDir: string;
  readonly processes: ProcessTable;
  readonly syscalls: Syscalls;
  readonly clock: Clock;
}

/** `STATE/drills/ID/`: made by a drill, gone after it. */
export class StateDrillPlaces implements DrillPlaces {
  readonly #settings: DrillPlacesSettings;

  constructor(settings: DrillPlacesSettings) {
    this.#settings = settings;
  }

  get #directory(): string {
    return join(this.#settings.stateDir, 'drills');
  }

  async make(drillId: string): Promise<string> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    // Not recursive: what is there already is somebody's.
    await mkdir(this.#realOf(drillId), { mode: 0o700 });
    return posix.join(this.#settings.hostStateDir, 'drills', drillId);
  }

  async clear(drillId: string): Promise<void> {
    const place = this.#realOf(drillId);
    if ((await absentAsUndefined(lstat(place))) === undefined) return;
    const { clock } = this.#settings;
    const gone = {
      describe: () => `nothing runs in ${place}`,
      check: (signal: AbortSignal) => this.#killUsers(place, signal),
    };
    try {
      await waitFor(gone, POLL_MS, clock.deadline(GONE_TIMEOUT_MS), clock);
      await rm(place, REMOVAL);
      await syncPath(this.#directory);
    } catch (cause) {
      throw new LockstepError('DRILL_FAILED', {
        message: `What ran in '${place}' could not be cleared away.`,
        cause,
      });
    }
  }

  async list(): Promise<string[]> {
    const names = (await absentAsUndefined(readdir(this.#directory))) ?? [];
    return names.filter(isSafeName);
  }

  /** True where nobody had anything of the place open. By inode: names are seen differently elsewhere. */
  async #killUsers(place: string, signal: AbortSignal): Promise<boolean> {
    const { processes, syscalls } = this.#settings;
    const files = await identitiesIn(place);
    const users = new Set((await processes.openFiles(files, signal)).map(({ pid }) => pid));
    for (const pid of users) {
      let pidfd: number;
      try {
        pidfd = syscalls.pidfdOpen(pid);
      } catch (thrown) {
        if (errorCodeOf(thrown) === 'ESRCH') continue;
        throw thrown;
      }
      try {
        // Looked at once more now that the number cannot become another process's.
        const still = await processes.openFiles(files, signal);
        if (still.some((file) => file.pid === pid)) syscalls.pidfdKill(pidfd);
      } finally {
        closeSync(pidfd);
      }
    }
    return users.size === 0;
  }

  #realOf(drillId: string): string {
    if (!isSafeName(drillId)) {
      throw new LockstepError('PATH_NOT_ALLOWED', { message: `'${drillId}' is no name of a drill.` });
    }
    return join(this.#directory, drillId);
  }
}

async function identitiesIn(place: string): Promise<FileIdentity[]> {
  const names = (await absentAsUndefined(readdir(place, { recursive: true }))) ?? [];
  return [place, ...names.map((name) => join(place, name))].flatMap((path) => identityIfThere(path) ?? []);
}

import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** The directory of one program's failpoints; read from the environment by test/faults/failpoints alone. */
export const FAILPOINTS_VARIABLE = 'LOCKSTEP_FAILPOINTS';

/**
 * What happens at a point: SIGKILL of the program's own process, a failure of the call, or a pause.
 * Each happens once for every arming, also across restarts of the program; `fail-always` each time.
 */
export type Action = 'kill' | 'fail' | 'fail-always' | { readonly pauseMs: number };

export interface Arming {
  readonly arms: readonly { readonly point: string; readonly action: Action }[];
  /** True: every point that is crossed is written down. */
  readonly record?: boolean;
  /** How far the program's wall clock is ahead. */
  readonly clockAheadMs?: number;
}

const NOTHING: Arming = { arms: [] };

/**
 * What a test and a program that it torments tell each other, as files: `armed.json` what shall
 * happen, `hits` what has, `crossed` which points were passed, `calls` which there could be.
 */
export class FailpointBoard {
  readonly #directory: string;
  #armed: { readonly version: string; readonly arming: Arming } | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** In place of what was armed; what has happened since is forgotten. The program need not be restarted. */
  arm(arming: Arming): void {
    mkdirSync(this.#directory, { recursive: true });
    for (const name of ['hits', 'crossed']) rmSync(join(this.#directory, name), { force: true });
    const path = join(this.#directory, 'armed.json');
    writeFileSync(`${path}.new`, JSON.stringify(arming));
    renameSync(`${path}.new`, path);
  }

  /** What is armed now; looked at with every crossing, so read only where it changed. */
  get armed(): Arming {
    const path = join(this.#directory, 'armed.json');
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return NOTHING;
    const version = `${stat.ino} ${stat.mtimeNs}`;
    if (this.#armed?.version !== version) {
      this.#armed = { version, arming: JSON.parse(readFileSync(path, 'utf8')) as Arming };
    }
    return this.#armed.arming;
  }

  get hits(): readonly string[] {
    return this.#lines('hits');
  }

  /** In the order in which they were passed, once for each time. */
  get crossed(): readonly string[] {
    return this.#lines('crossed');
  }

  /** Every `PORT.METHOD` of the program, whether it is ever called or not. */
  get calls(): readonly string[] {
    return [...new Set(this.#lines('calls'))].sort();
  }

  note(file: 'hits' | 'crossed' | 'calls', line: string): void {
    mkdirSync(this.#directory, { recursive: true });
    appendFileSync(join(this.#directory, file), `${line}\n`);
  }

  #lines(file: string): string[] {
    try {
      return readFileSync(join(this.#directory, file), 'utf8').split('\n').slice(0, -1);
    } catch {
      return [];
    }
  }
}

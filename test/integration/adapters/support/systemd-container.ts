import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { deadline } from '@lockstep/shared/deadline.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';

const run = promisify(execFile);

const TOOLS = resolve(import.meta.dirname, '../../../../.tools/systemd');
const BOOT_MS = 60_000;
/** Of the container, on its own file system; run from outside it enters and asks the real one. */
export const SYSTEMCTL = '/usr/local/bin/systemctl-from-outside';

export interface SystemdTools {
  readonly nspawn: string;
  /** A root directory with systemd in it, made by debootstrap; copied, never booted itself. */
  readonly rootfs: string;
}

/** Undefined where there is none, or where nobody may boot it. */
export async function locateSystemd(): Promise<SystemdTools | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const version of await readdir(TOOLS).catch(() => [])) {
    const nspawn = join(TOOLS, version, 'bin/systemd-nspawn');
    const rootfs = join(TOOLS, version, 'rootfs');
    const there = await Promise.all([
      access(nspawn, constants.X_OK).then(
        () => true,
        () => false,
      ),
      access(join(rootfs, 'usr/bin/systemctl')).then(
        () => true,
        () => false,
      ),
    ]);
    if (!there.includes(false)) return { nspawn, rootfs };
  }
  return undefined;
}

/** A host whose first process is a real systemd; boots as often as asked. */
export class SystemdContainer implements AsyncDisposable {
  readonly root: string;
  readonly #nspawn: string;
  #child: ChildProcess | undefined;
  /** The container's first process, as the host numbers it; with it all others of the container end. */
  #init: number | undefined;

  private constructor(root: string, nspawn: string) {
    this.root = root;
    this.#nspawn = nspawn;
  }

  static async create(tools: SystemdTools, directory: string): Promise<SystemdContainer> {
    const root = join(directory, 'root');
    await run('cp', ['-a', '--reflink=auto', tools.rootfs, root]);
    return new SystemdContainer(root, tools.nspawn);
  }

  async boot(): Promise<void> {
    const child = spawn(
      this.#nspawn,
      ['--directory', this.root, '--boot', '--register=no', '--keep-unit', '--quiet'],
      { stdio: 'ignore' },
    );
    this.#child = child;
    const pid = child.pid ?? 0;
    const condition = {
      describe: () => 'systemd has booted',
      check: async () => {
        const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
        const [first] = children.trim().split(' ').filter(Boolean);
        if (first === undefined) return false;
        this.#init = Number(first);
        const enter = `/usr/bin/nsenter --target ${first} --mount --uts --ipc --pid`;
        await writeFile(join(this.root, SYSTEMCTL), `#!/bin/sh\nexec ${enter} -- /usr/bin/systemctl "$@"\n`, {
          mode: 0o755,
        });
        return (await this.systemctl('is-system-running')).includes('running');
      },
    };
    await waitFor(condition, 200, deadline(BOOT_MS));
  }

  /** What it says on both streams, however it ends. */
  async systemctl(...words: string[]): Promise<string> {
    return run(join(this.root, SYSTEMCTL), words).then(
      ({ stdout }) => stdout,
      (thrown: { stdout?: string; stderr?: string }) => `${thrown.stdout ?? ''}${thrown.stderr ?? ''}`,
    );
  }

  /** As if the power went: nothing is told to stop. */
  async powerOff(): Promise<void> {
    const [child, init] = [this.#child, this.#init];
    [this.#child, this.#init] = [undefined, undefined];
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    // The container outlives a supervisor that is killed; the supervisor ends with its container.
    if (init === undefined) child.kill('SIGKILL');
    else process.kill(init, 'SIGKILL');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerOff();
  }
}

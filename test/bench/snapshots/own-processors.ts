import { access, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const CGROUPS = '/sys/fs/cgroup';
/** Short, so that who has used up its share waits for milliseconds. */
const PERIOD_US = 20_000;
/** Of all processors; the rest is for who measures, and for the kernel. */
const SHARED_OUT = 0.9;

/**
 * Gives each of several processes the processors of a host of its own: a fixed and equal share of
 * this machine's, whoever else runs on it. So what hosts do side by side can be measured on one
 * machine, on slower hosts. Wants root, and a kernel's cpu controller.
 */
export class OwnProcessors implements AsyncDisposable {
  readonly sharePerHost: number;
  readonly #groups: readonly string[];
  readonly #home: string;

  private constructor(groups: readonly string[], home: string, sharePerHost: number) {
    this.#groups = groups;
    this.#home = home;
    this.sharePerHost = sharePerHost;
  }

  /** Host 0 is this process. */
  static async of(hosts: number): Promise<OwnProcessors> {
    const isV1 = await access(join(CGROUPS, 'cpu/cgroup.procs')).then(
      () => true,
      () => false,
    );
    const base = isV1 ? join(CGROUPS, 'cpu') : CGROUPS;
    const own = (await readFile('/proc/self/cgroup', 'utf8'))
      .split('\n')
      .map((line) => line.split(':'))
      .find(([, controllers = '']) => (isV1 ? controllers.split(',').includes('cpu') : controllers === ''));
    const share = (availableParallelism() * SHARED_OUT) / hosts;
    const quotaUs = Math.round(PERIOD_US * share);
    const settings: readonly (readonly [string, string])[] = isV1
      ? [
          ['cpu.cfs_period_us', String(PERIOD_US)],
          ['cpu.cfs_quota_us', String(quotaUs)],
          ['cpu.shares', '262144'],
        ]
      : [
          ['cpu.max', `${quotaUs} ${PERIOD_US}`],
          ['cpu.weight', '10000'],
        ];
    const groups = Array.from({ length: hosts }, (_, host) =>
      join(base, `lockstep-bench-${process.pid}-${host}`),
    );
    for (const group of groups) {
      await mkdir(group);
      for (const [name, value] of settings) await writeFile(join(group, name), value);
    }
    const hostsOwn = new OwnProcessors(groups, join(base, own?.[2] ?? '/'), share);
    await hostsOwn.place(0, process.pid);
    return hostsOwn;
  }

  async place(host: number, pid: number): Promise<void> {
    await writeFile(join(this.#groups[host] ?? '', 'cgroup.procs'), String(pid));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await writeFile(join(this.#home, 'cgroup.procs'), String(process.pid));
    for (const group of this.#groups) await rmdir(group);
  }
}

import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lab } from '../lab/lab.ts';
import { type Fault, FaultLab } from './support/fault-lab.ts';
import { OutcomeTable } from './support/outcome-table.ts';

/** Room for two stores and for what etcd reserves as it runs. */
const DISK_BYTES = 1024 ** 3;
/** Left when an operation begins: what a plan asks for, and no more than is filled in an instant. */
const FREE_BYTES = 400 * 1024 ** 2;
const LEAST_BLOCK_BYTES = 512;
const DOWN_TIMEOUT_MS = 60_000;
/** A member that cannot start is waited for; then the others go back. */
const UP_TIMEOUT_MS = 240_000;

/** cp2's /var/lib, with its ledger, its snapshots and its stores, on a small disk; undefined where none may be mounted. */
function mountSmallDisk(): { directory: string; disk: string } | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'ls-'));
  const disk = join(directory, 'nodes/cp2/root/var/lib');
  mkdirSync(disk, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', disk], { stdio: 'ignore' });
    return { directory, disk };
  } catch {
    rmSync(directory, { recursive: true });
    return undefined;
  }
}
const small = mountSmallDisk();

/** OLDs that were kept are purged, and all but a little is taken. */
function fillMost(disk: string): void {
  rmSync(join(disk, '.lockstep'), { recursive: true, force: true });
  const { bavail, bsize } = statfsSync(disk);
  const bytes = Math.max(0, bavail * bsize - FREE_BYTES);
  if (bytes > 0) execFileSync('fallocate', ['-l', String(bytes), join(disk, 'filler')]);
}

function fillUp(disk: string): void {
  const fd = openSync(join(disk, 'filler'), 'a');
  try {
    for (let block = 8 * 1024 * 1024; block >= LEAST_BLOCK_BYTES; ) {
      try {
        if (writeSync(fd, Buffer.alloc(block)) < block) block /= 2;
      } catch {
        block /= 2;
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** The disk is full to the last block from a phase on. */
describe.skipIf(small === undefined)('a disk that is full (needs the right to mount)', () => {
  const { directory, disk } = small ?? { directory: '', disk: '' };
  const table = new OutcomeTable('cp2’s disk full');
  const full: Pick<Fault, 'name' | 'prepare' | 'strike'> = {
    name: 'cp2’s disk full',
    prepare: () => fillMost(disk),
    strike: () => fillUp(disk),
  };
  const makeRoom = (): void => rmSync(join(disk, 'filler'));
  let faults: FaultLab;
  beforeAll(async () => {
    faults = await FaultLab.up(table, { directory });
  });
  afterAll(async () => {
    table.print();
    await faults?.lab.down({ keepDirectory: true });
    execFileSync('umount', [disk]);
    rmSync(directory, { recursive: true });
  });

  it.each(['promise', 'stage', 'build'] as const)(
    'from %s on until the end, which a node without room for NEW may refuse',
    async (phase) => {
      const found = await faults.suffer({
        ...full,
        phase,
        outcomes: ['restored', 'rolled-back', 'refused'],
        heal: async (lab: Lab) => {
          makeRoom();
          // As an operator does once there is room again.
          await lab.node('cp2').restart('lockstep-agent');
        },
        outlasts: true,
        // Kubelet and containerd keep their records on that disk, too: of cp2 nothing is asked meanwhile.
        absent: ['cp2'],
      });
      expect(found).toEqual([]);
    },
  );

  // Neither OLD nor NEW comes back where kubelet cannot start a container; nobody asks for more than room.
  it.each(['fence', 'swap', 'start-etcd'] as const)(
    'from %s on until the others serve, after which it ends by itself',
    async (phase) => {
      const found = await faults.suffer({
        ...full,
        phase,
        heal: async (lab: Lab) => {
          const others = [lab.node('cp1'), lab.node('cp3')];
          const serving = async (): Promise<boolean> =>
            (await Promise.all(others.map((node) => node.isApiReady()))).every(Boolean);
          await expect.poll(serving, { timeout: DOWN_TIMEOUT_MS, interval: 200 }).toBe(false);
          await expect.poll(serving, { timeout: UP_TIMEOUT_MS, interval: 500 }).toBe(true);
          makeRoom();
        },
      });
      expect(found).toEqual([]);
    },
  );
});

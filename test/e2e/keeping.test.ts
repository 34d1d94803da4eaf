import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { Lab } from '../lab/lab.ts';
import type { Ended } from '../lab/programs.ts';
import {
  planRestore,
  type Said,
  type SaidRefusal,
  saidBy,
  saveSnapshot,
  waitServing,
} from './support/cluster.ts';
import { configOf } from './support/left-out.ts';

/** Room for a dozen snapshots beside what an agent leaves free for etcd, and quickly filled. */
const DISK_BYTES = 320 * 1024 ** 2;
const FILLER_BYTES = 240 * 1024 ** 2;
const WAIT_MS = 120_000;

interface SaidEntry {
  readonly card: { readonly id: string; readonly reason: string };
  readonly held: readonly { readonly node: string }[];
  readonly standing: string;
  readonly marks: { readonly pins: readonly { readonly reason: string; readonly removedAt: string }[] };
}

interface SaidSchedule {
  readonly name: string;
  readonly lastOutcome: string;
  readonly lastMessage: string;
  readonly lastAt: string;
  readonly lastSnapshotId: string;
}

/** cp1's snapshots on a small disk of their own; undefined where none may be mounted. */
function mountSmallDisk(directory: string): string | undefined {
  const disk = join(directory, 'nodes/cp1/root/var/lib/lockstep/snapshots');
  mkdirSync(disk, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', disk], { stdio: 'ignore' });
    return disk;
  } catch {
    return undefined;
  }
}

const directory = mkdtempSync(join(tmpdir(), 'lk-'));
const disk = mountSmallDisk(directory);
let lab: Lab;

beforeAll(async () => {
  lab = await Lab.up({ nodes: 3, directory });
  await waitServing(lab);
}, 300_000);

afterAll(async () => {
  await lab?.down({ keepDirectory: true });
  if (disk !== undefined) execFileSync('umount', [disk]);
  rmSync(directory, { recursive: true, force: true });
}, 120_000);

/** The coordinator anew, with this in its configuration beside what the lab wrote. */
async function configure(fields: Record<string, unknown>): Promise<void> {
  await lab.coordinator.stop();
  const path = join(lab.directory, 'coordinator/config.yaml');
  const {
    schedules: _s,
    retention: _r,
    ...config
  } = parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(path, stringify({ ...config, ...fields }));
  await lab.coordinator.start();
  await until('the coordinator answers', async () => (await said('version')).code === 'OK');
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  await waitFor({ describe: () => what, check: holds }, 300, deadline(WAIT_MS));
}

async function asked(...args: string[]): Promise<Ended> {
  return lab.lockstep([...args, '-o', 'json'], { timeoutMs: 60_000 });
}

async function said(...args: string[]): Promise<Said> {
  return saidBy(await asked(...args));
}

async function catalogue(): Promise<SaidEntry[]> {
  return (await said('snapshot', 'list'))['entries'] as SaidEntry[];
}

async function idsOf(reason: string): Promise<string[]> {
  return (await catalogue()).filter(({ card }) => card.reason === reason).map(({ card }) => card.id);
}

async function schedule(): Promise<SaidSchedule> {
  const [only] = (await said('snapshot', 'schedule'))['schedules'] as SaidSchedule[];
  return only as SaidSchedule;
}

const refusalsOf = (answer: Said): string[] =>
  (answer['refusals'] as SaidRefusal[]).map(({ code }) => code).sort();

async function deletion(id: string, ...args: string[]): Promise<Said> {
  return said('snapshot', 'delete', id, '--confirm', lab.clusterName, ...args);
}

describe('keeping snapshots', () => {
  let pinned: string;

  it('takes one by schedule every two seconds, and keeps as many as it should', async () => {
    await until('a first one is taken', async () => {
      const saved = await asked('snapshot', 'save', '--reason', 'first', '--node', 'cp2');
      if (saved.exitCode !== 0) return false;
      pinned = (saidBy(saved)['snapshot'] as { card: { id: string } }).card.id;
      return true;
    });
    const ended = await asked('snapshot', 'pin', pinned, '--reason', 'before the schedule');
    expect(ended.exitCode, ended.stdout + ended.stderr).toBe(0);
    const retention = { keepLast: 3 };
    const every = { name: 'often', cron: '*/2 * * * * *', action: 'save', node: 'cp1' };
    await configure({ schedules: [every], retention });
    const seen = new Set<string>();
    await until('six have been taken by schedule', async () => {
      const ids = await idsOf('schedule often');
      ids.forEach((id) => seen.add(id));
      return seen.size >= 6;
    });
    const there = await catalogue();
    // One may just have been taken, and not yet been pruned.
    expect(there.filter(({ card }) => card.reason === 'schedule often').length).toBeLessThanOrEqual(4);
    expect(there.some(({ card }) => card.id === pinned)).toBe(true);
    expect(there.every(({ standing }) => standing === 'good')).toBe(true);
    expect((await schedule()).lastOutcome).toBe('done');
    const left = readdirSync(join(directory, 'nodes/cp1/root/var/lib/lockstep/snapshots'));
    expect(left.filter((name) => name.endsWith('.db')).length).toBeLessThanOrEqual(4);
  }, 240_000);

  it.skipIf(disk === undefined)(
    'says that the disk is full, and loses nothing that was there',
    async () => {
      const filler = join(disk ?? '', 'filler');
      const before = await idsOf('schedule often');
      writeFileSync(filler, Buffer.alloc(FILLER_BYTES));
      await until('a save fails', async () => !['done', ''].includes((await schedule()).lastOutcome));
      const { lastOutcome, lastMessage } = await schedule();
      expect(lastOutcome, lastMessage).toBe('SAVE_FAILED');
      expect(lastMessage).toMatch(/DISK_FULL/);
      const after = await idsOf('schedule often');
      expect(after.length).toBeGreaterThan(0);
      expect(after.some((id) => before.includes(id)) || after.length >= 3).toBe(true);
      const doctor = await asked('doctor');
      expect(doctor.stdout).toContain('SAVE_FAILED');
      const listed = await asked('snapshot', 'schedule');
      expect(listed.exitCode).toBe(8);
      expect(readdirSync(disk ?? '').filter((name) => name.endsWith('.part'))).toEqual([]);
      rmSync(filler);
      await until('it goes on', async () => (await schedule()).lastOutcome === 'done');
    },
    240_000,
  );

  it('catches up once what was missed while no coordinator was there', async () => {
    const rare = { name: 'rare', cron: '0 0 1 1 *', action: 'save' };
    const state = join(lab.directory, 'coordinator/state/schedules.json');
    await lab.coordinator.stop();
    const year = 365 * 24 * 3_600_000;
    const last = Date.now() - 3 * year;
    const run = { occurrenceMs: last, startedMs: last, endedMs: last, outcome: 'done', message: '' };
    await writeFile(state, JSON.stringify([{ schedule: 'rare', ...run, snapshotId: '', attempt: 1 }]));
    await configure({ schedules: [rare] });
    await until('it is caught up', async () => (await idsOf('schedule rare')).length === 1);
    await until('and has ended', async () => (await schedule()).lastOutcome === 'done');
    // A fresh coordinator, with nothing of its own, sees it in the catalogue and does not repeat it.
    await lab.coordinator.stop();
    rmSync(state);
    await configure({ schedules: [rare] });
    await until('it is known', async () => (await schedule()).lastAt !== '');
    expect(await idsOf('schedule rare')).toEqual([(await schedule()).lastSnapshotId]);
  }, 240_000);

  it('says what would go and why, and deletes by hand what retention lets go', async () => {
    await configure({ retention: { keepLast: 1 } });
    const extra = await saveSnapshot(lab);
    const dry = await said('snapshot', 'prune', '--dry-run');
    const decisions = dry['decisions'] as {
      snapshotId: string;
      deleted: boolean;
      keptFor: string[];
      deletedFor: string;
    }[];
    const of = (id: string) => decisions.find(({ snapshotId }) => snapshotId === id);
    expect(of(extra)?.keptFor).toEqual(['last good', 'last 1 of 1']);
    expect(of(pinned)?.keptFor.join()).toMatch(/^pinned by .*alice: before the schedule$/);
    const going = decisions.filter(({ deletedFor }) => deletedFor !== '').map(({ snapshotId }) => snapshotId);
    expect(going.length).toBeGreaterThan(0);
    expect((await catalogue()).length).toBe(decisions.length);
    const pruned = await asked('snapshot', 'prune');
    expect(pruned.exitCode, pruned.stdout + pruned.stderr).toBe(0);
    expect((await catalogue()).map(({ card }) => card.id).sort()).toEqual([extra, pinned].sort());
    expect(saidBy(await asked('snapshot', 'prune'))['decisions']).toHaveLength(2);
  }, 240_000);

  it('deletes nothing that is pinned, the last good one, or named by a plan', async () => {
    const [{ card: last } = { card: { id: '' } }] = await catalogue();
    expect(refusalsOf(await deletion(pinned, '--reason', 'no room'))).toEqual(['SNAPSHOT_PINNED']);
    expect(refusalsOf(await deletion(last.id, '--reason', 'no room'))).toEqual(['SNAPSHOT_LAST_GOOD']);
    expect(
      refusalsOf(await said('snapshot', 'delete', pinned, '--confirm', 'other', '--reason', 'x')),
    ).toEqual(['CONFIRMATION_MISMATCH']);
    expect(refusalsOf(await deletion(pinned))).toEqual(['SNAPSHOT_REASON_MISSING']);
    expect(refusalsOf(await deletion(pinned, '--from', 'cp9', '--reason', 'x'))).toEqual([
      'SNAPSHOT_PLACE_UNKNOWN',
    ]);
    expect((await asked('snapshot', 'unpin', pinned)).exitCode).toBe(0);
    const planned = await planRestore(lab, pinned);
    expect(planned.exitCode).toBe(0);
    const named = await deletion(pinned, '--reason', 'no room');
    expect(refusalsOf(named)).toEqual(['SNAPSHOT_IN_USE']);
    expect((await asked('snapshot', 'delete', last.id)).exitCode).toBe(5);
    expect((await catalogue()).length).toBe(2);
  }, 240_000);

  it('deletes evidence only where a second person says so, and each agent has it on record', async () => {
    const evidence = await saveSnapshot(lab, '--node', 'cp3');
    await saveSnapshot(lab, '--node', 'cp2');
    await asked('snapshot', 'pin', evidence, '--reason', 'incident 4711', '--evidence');
    expect((await said('snapshot', 'unpin', evidence)).code).toBe('SNAPSHOT_EVIDENCE');
    const refused = await deletion(evidence, '--reason', 'the case is closed');
    expect(refusalsOf(refused)).toEqual(['SNAPSHOT_EVIDENCE']);
    const purge = refused['purgeId'] as string;
    expect(refusalsOf(await deletion(evidence, '--approve', purge))).toEqual(['PURGE_BY_REQUESTER']);
    const bob = ['--config', await configOf(lab, 'bob')];
    expect(refusalsOf(await deletion(pinned, '--approve', purge, ...bob))).toEqual(['PURGE_NOT_FOUND']);
    const approved = await deletion(evidence, '--approve', purge, ...bob);
    expect(approved['deletedFrom']).toEqual(['cp3']);
    expect((await catalogue()).some(({ card }) => card.id === evidence)).toBe(false);
    const left = readdirSync(join(directory, 'nodes/cp3/root/var/lib/lockstep/snapshots'));
    expect(left.filter((name) => name.includes(evidence))).toEqual([]);
  }, 240_000);
});

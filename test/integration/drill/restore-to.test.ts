import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { freePort } from '@lockstep/shared/free-port.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EtcdTools, locateTools } from '../../lab/tools/locate.ts';
import { killProcess } from '../adapters/support/etcd-process.ts';
import { CommandLineProcess, type Ended } from '../cli/command-line.ts';
import { DrillBench, soon } from './drill-bench.ts';

let tools: EtcdTools;
let bench: DrillBench;
let snapshot: string;
let id: string;
let revision: bigint;

beforeAll(async () => {
  tools = (await locateTools()).etcd;
  bench = await DrillBench.up(tools);
  const card = await bench.save();
  id = card.id;
  revision = card.facts?.status?.revision ?? 0n;
  snapshot = join(bench.directory, 'backup.db');
  await copyFile(bench.store.pathOf(id), snapshot);
});

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

function restoreTo(directory: string, ...args: string[]): Promise<Ended> {
  const path = `${dirname(tools.etcdutl)}:/usr/bin:/bin`;
  return new CommandLineProcess(['snapshot', 'restore-to', directory, ...args], { PATH: path }).ended;
}

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

describe('snapshot restore-to', () => {
  it('makes of one snapshot, five times, five servers with the HashKV of the live member and of a drill', async () => {
    const before = { sha256: sha256(snapshot), stats: lstatSync(snapshot, { bigint: true }) };
    const running: ChildProcess[] = [];
    const hashes: number[] = [];
    const clusters = new Set<bigint>();
    try {
      for (let at = 1; at <= 5; at++) {
        const directory = join(bench.directory, 'analysis', String(at));
        // One for clients, the next for peers.
        const port = await freePort('127.0.0.1', 2);
        const ended = await restoreTo(
          directory,
          '--snapshot',
          snapshot,
          '--port',
          String(port),
          '-o',
          'json',
        );
        expect(ended).toMatchObject({ exit: 0, err: '' });
        const answer = JSON.parse(ended.out) as { start: string[]; clientUrl: string };
        expect(lstatSync(directory).mode & 0o777).toBe(0o700);
        const [, ...flags] = answer.start;
        const server = spawn(tools.etcd, [...flags, '--log-level=error'], {
          stdio: ['ignore', 'ignore', 'inherit'],
        });
        running.push(server);
        using client = new EtcdClient({ url: answer.clientUrl });
        await waitFor(
          {
            describe: () => `etcd ${at} serves`,
            check: (signal) => {
              expect(server.exitCode, 'etcd runs').toBeNull();
              return client.status(signal).then(
                ({ leader, header }) => {
                  clusters.add(header?.clusterId ?? 0n);
                  return leader !== 0n;
                },
                () => false,
              );
            },
          },
          100,
          deadline(60_000),
        );
        hashes.push((await client.hashKv(revision, soon())).hash);
      }
    } finally {
      await Promise.all(running.map(killProcess));
    }
    const live = await bench.member.hashKv(revision, soon());
    const drilled = await bench.drill(id);
    console.log('five HashKVs', hashes, 'live', live.hash, 'drilled', drilled.hashKv);
    expect(hashes).toStrictEqual(Array.from({ length: 5 }, () => live.hash));
    expect(drilled.hashKv).toBe(live.hash);
    expect(clusters.size).toBe(5);
    expect(sha256(snapshot)).toBe(before.sha256);
    const { ino, mtimeNs, size } = lstatSync(snapshot, { bigint: true });
    expect({ ino, mtimeNs, size }).toStrictEqual({
      ino: before.stats.ino,
      mtimeNs: before.stats.mtimeNs,
      size: before.stats.size,
    });
  });

  it('takes one by its id where the agent of this host keeps it, and says how to ask it', async () => {
    const directory = join(bench.directory, 'by-id');
    const snapshots = dirname(bench.store.pathOf(id));
    const { exit, out } = await restoreTo(
      directory,
      '--snapshot',
      id,
      '--snapshots',
      snapshots,
      '--name',
      'night',
    );
    expect(exit).toBe(0);
    expect(out).toContain(`--data-dir=${directory}`);
    expect(out).toContain('--name=night');
    expect(out).toContain('--endpoints=http://127.0.0.1:23790');
  });

  it.each([
    ['a directory that holds something', 'USAGE', 2, async () => [occupied(), '--snapshot', snapshot]],
    ['no such file or id', 'SNAPSHOT_NOT_FOUND', 5, async () => [fresh(), '--snapshot', 's-nowhere']],
    ['a cut file', 'SNAPSHOT_TRUNCATED', 5, async () => [fresh(), '--snapshot', cut()]],
    [
      'a tool that is none',
      'TOOL_MISSING',
      5,
      async () => [fresh(), '--snapshot', snapshot, '--etcdutl', '/bin/true'],
    ],
  ])('refuses %s', async (_what, code, exit, words) => {
    const [directory = '', ...args] = await words();
    const before = existsSync(directory) ? readdirSync(directory) : undefined;
    const ended = await restoreTo(directory, ...args, '-o', 'json');
    expect(ended.exit).toBe(exit);
    expect(`${ended.out}${ended.err}`).toContain(code);
    expect(existsSync(directory) ? readdirSync(directory) : undefined).toStrictEqual(before);
  });

  it('says which tool it found where that is of another minor version', async ({ skip }) => {
    if (tools.version.startsWith('3.5.')) skip('the only etcd here is 3.5: `npm run tools -- --all`');
    const { etcd: other } = await locateTools({ etcdVersion: '3.5' });
    const path = `${dirname(other.etcdutl)}:/usr/bin:/bin`;
    const directory = fresh();
    const ended = await new CommandLineProcess(
      ['snapshot', 'restore-to', directory, '--snapshot', snapshot],
      { PATH: path },
    ).ended;
    expect(ended.exit).toBe(5);
    expect(`${ended.out}${ended.err}`).toMatch(/TOOL_MISMATCH[\s\S]*etcdutl is of 3\.5/);
    expect(existsSync(directory)).toBe(false);
  });
});

let places = 0;

function fresh(): string {
  places += 1;
  return join(bench.directory, `place-${places}`);
}

function occupied(): string {
  const directory = fresh();
  mkdirSync(directory);
  writeFileSync(join(directory, 'something'), '');
  return directory;
}

function cut(): string {
  const path = join(bench.directory, 'cut.db');
  const bytes = readFileSync(snapshot);
  writeFileSync(path, bytes.subarray(0, bytes.length / 2));
  return path;
}

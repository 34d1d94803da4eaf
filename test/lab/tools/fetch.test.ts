import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { fetchTools } from './fetch.ts';

let root: string;
let said: string[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fetch-'));
  said = [];
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true });
});

const fetchInto = (directory: string): Promise<void> =>
  fetchTools(
    {
      all: false,
      stores: true,
      directory,
      places: { toolRoots: [directory], pathDirectories: [] },
      say: (line) => said.push(line),
    },
    AbortSignal.timeout(5_000),
  );

it('says what to do by hand where neither apt nor Go is at hand, for every tool, and leaves nothing', async () => {
  vi.stubEnv('PATH', join(root, 'empty'));
  const failure = await fetchInto(root).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'TOOL_MISSING' });
  expect(String(failure)).toContain('By hand: put etcd, etcdctl, etcdutl of etcd 3.5.16');
  expect(String(failure)).toContain('By hand: put nats-server');
  expect(said.join('\n')).toContain('strace: not to be had, and optional');
  expect(await readdir(root)).toEqual([]);
});

it('fetches nothing that is there', async () => {
  for (const [directory, name] of [
    ['etcd/3.6.16/bin', 'etcd'],
    ['etcd/3.6.16/bin', 'etcdctl'],
    ['etcd/3.6.16/bin', 'etcdutl'],
    ['nats-server/2.10.27/bin', 'nats-server'],
    ['strace/6.1/bin', 'strace'],
    ['age/1.1.1/bin', 'age'],
    ['versitygw/1.8.0/bin', 'versitygw'],
    ['kine/0.16.4/bin', 'kine'],
  ] as const) {
    await mkdir(join(root, directory), { recursive: true });
    await writeFile(join(root, directory, name), '');
    await chmod(join(root, directory, name), 0o755);
  }
  await fetchInto(root);
  expect(said).toEqual([
    `etcd 3.6.16: found, ${root}/etcd/3.6.16/bin/etcd`,
    `nats-server: found, ${root}/nats-server/2.10.27/bin/nats-server`,
    `strace: found, ${root}/strace/6.1/bin/strace`,
    `age: found, ${root}/age/1.1.1/bin/age`,
    `versitygw: found, ${root}/versitygw/1.8.0/bin/versitygw`,
    `kine: found, ${root}/kine/0.16.4/bin/kine`,
  ]);
});

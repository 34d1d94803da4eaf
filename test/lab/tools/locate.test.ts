import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { compareVersions, locateAllEtcd, locateTools, matchesVersion } from './locate.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'locate-'));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

async function program(path: string, script = 'exit 0'): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

async function etcdAt(directory: string, binaries: readonly string[], version = ''): Promise<void> {
  for (const binary of binaries) await program(join(directory, binary), `echo 'etcd Version: ${version}'`);
}

it('orders versions by number, newest first, and takes 3.4 without etcdutl', async () => {
  await etcdAt(join(root, 'etcd/3.4.23/bin'), ['etcd', 'etcdctl']);
  await etcdAt(join(root, 'etcd/3.10.1/bin'), ['etcd', 'etcdctl', 'etcdutl']);
  await etcdAt(join(root, 'etcd/3.9.8/bin'), ['etcd', 'etcdctl', 'etcdutl']);
  await etcdAt(join(root, 'etcd/3.9.9/bin'), ['etcd', 'etcdctl']);
  const all = await locateAllEtcd({ toolRoots: [root], pathDirectories: [] });
  expect(all.map((tools) => tools.version)).toEqual(['3.10.1', '3.9.8', '3.4.23']);
  expect(all[2]?.etcdutl).toBe(all[2]?.etcdctl);
});

it('prefers the configured directory to PATH and PATH to .tools for the same version', async () => {
  const own = join(root, 'own');
  const path = join(root, 'path');
  const fetched = join(root, 'fetched');
  for (const directory of [own, path, join(fetched, 'etcd/3.5.16/bin')]) {
    await etcdAt(directory, ['etcd', 'etcdctl', 'etcdutl'], '3.5.16');
  }
  await program(join(path, 'nats-server'));
  const places = { toolRoots: [own, fetched], pathDirectories: [path] };
  const tools = await locateTools({ places });
  expect(tools.etcd.etcd).toBe(join(own, 'etcd'));
  expect(tools.natsServer).toBe(join(path, 'nats-server'));
  expect((await locateAllEtcd({ ...places, toolRoots: [fetched] }))[0]?.etcd).toBe(join(path, 'etcd'));
});

it('says what was found where the wanted version is not', async () => {
  await etcdAt(join(root, 'etcd/3.5.16/bin'), ['etcd', 'etcdctl', 'etcdutl']);
  await program(join(root, 'nats-server/2.10.27/bin/nats-server'));
  const places = { toolRoots: [root], pathDirectories: [] };
  await expect(locateTools({ etcdVersion: '3.6', places })).rejects.toMatchObject({
    code: 'TOOL_MISSING',
    message: expect.stringContaining('found: 3.5.16') as string,
  });
  await expect(locateTools({ etcdVersion: '3.5', places })).resolves.toMatchObject({
    etcd: { version: '3.5.16' },
    natsServer: join(root, 'nats-server/2.10.27/bin/nats-server'),
  });
});

it('compares and matches versions by their parts', () => {
  expect(compareVersions('3.5.9', '3.5.16')).toBeLessThan(0);
  expect(compareVersions('3.5.16', '3.5.16')).toBe(0);
  expect(matchesVersion('3.50.1', '3.5')).toBe(false);
  expect(matchesVersion('3.5.16', '3.5.16')).toBe(true);
});

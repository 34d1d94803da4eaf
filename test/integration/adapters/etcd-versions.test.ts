import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { EtcdLocalMember } from '@lockstep/agent/adapters/local-member.ts';
import { ToolFinder } from '@lockstep/agent/hosting/inspect/tools.ts';
import { readStoppedStore } from '@lockstep/agent/hosting/stopped-store.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { describe, expect, test } from 'vitest';

import { locateAllEtcd } from '../../lab/tools/locate.ts';
import { startEtcd } from './support/etcd-process.ts';
import { scratchDirectory } from './support/scratch.ts';

const run = promisify(execFile);
const soon = (): AbortSignal => deadline(30_000);

describe.each(await locateAllEtcd())('etcd $version', (tools) => {
  test('is observed while it serves, and read from its files once it is killed', async () => {
    await using scratch = await scratchDirectory();
    const etcd = await startEtcd({ directory: scratch.path, tools });
    const member = new EtcdLocalMember({ endpoint: async () => etcd.endpoint });
    let seen: Awaited<ReturnType<typeof member.observe>>;
    let canary: bigint;
    try {
      using client = new EtcdClient(etcd.endpoint);
      for (const address of ['192.0.2.11', '192.0.2.12']) {
        await client.put(Buffer.from(`/registry/masterleases/${address}`), Buffer.from('x'), soon());
      }
      expect(await member.apiServerAddresses('/registry', soon())).toEqual(['192.0.2.11', '192.0.2.12']);
      expect(await member.dropStaleMasterLeases('/registry/', ['192.0.2.11'], soon())).toEqual([
        '192.0.2.12',
      ]);
      canary = await member.writeCanary('op-1', soon());
      expect((await member.hashKv(canary, soon())).hash).not.toBe(0);
      expect(await member.authEnabled(soon())).toBe(false);
      await writeFile(join(scratch.path, 'snapshot'), member.snapshot(soon()));
      seen = await member.observe(soon());
      expect(seen).toMatchObject({ leader: true, learner: false, version: tools.version, alarms: [] });
    } finally {
      member.close();
      await etcd.kill();
    }
    await expect(member.observe(deadline(1_000))).rejects.toMatchObject({ code: 'ETCD_UNREACHABLE' });
    const stopped = await readStoppedStore(etcd.dataDir, soon());
    expect(stopped.wal).toMatchObject({ memberId: seen.memberId, clusterId: seen.clusterId });
    expect(stopped.wal?.lastIndex).toBeGreaterThanOrEqual(seen.raftIndex);
    expect(stopped.members.map(({ id }) => id)).toEqual([seen.memberId]);
    expect(stopped.authEnabled).toBe(false);
  });

  test('says that its auth is on', async () => {
    await using scratch = await scratchDirectory();
    const etcd = await startEtcd({ directory: scratch.path, tools });
    const member = new EtcdLocalMember({ endpoint: async () => etcd.endpoint });
    try {
      const etcdctl = (...words: string[]) =>
        run(tools.etcdctl, [`--endpoints=${etcd.endpoint.url}`, ...words], { env: { ETCDCTL_API: '3' } });
      await etcdctl('user', 'add', 'root:secret');
      await etcdctl('user', 'grant-role', 'root', 'root');
      await etcdctl('auth', 'enable');
      expect(await member.authEnabled(soon())).toBe(true);
    } finally {
      member.close();
      await etcd.kill();
    }
  });

  test('has tools whose version and digest are told once', async () => {
    const finder = new ToolFinder();
    const places = {
      configured: { etcdutl: tools.etcdutl, etcdctl: tools.etcdctl },
      searchPath: '/nowhere',
      etcdRoot: undefined,
    };
    const found = await finder.find(places, soon());
    expect(new Set(found.map(({ version }) => version))).toEqual(new Set([tools.version]));
    expect(await finder.find(places, soon())).toEqual(found);
    expect(found[0]?.sha256).toMatch(/^[0-9a-f]{64}$/u);
  });
});

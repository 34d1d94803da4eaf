import { join } from 'node:path';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import { describe, expect, it } from 'vitest';
import { locateAllEtcd } from '../../lab/tools/locate.ts';
import { Etcd, restore, type UtilityStatus, utilityStatus } from './etcd.ts';

const installed = await locateAllEtcd();
const READ_TIMEOUT_MS = 30_000;
const BUMP = 1_000_000_000;

const facts = (path: string, trailer: 'required' | 'absent' = 'required', contentUpToRevision?: bigint) =>
  readSnapshotFacts(
    path,
    { trailer, ...(contentUpToRevision === undefined ? {} : { contentUpToRevision }) },
    AbortSignal.timeout(READ_TIMEOUT_MS),
  );

const minorOf = (version: string) => Number(version.split('.')[1]);
const patchOf = (version: string) => Number(version.split('.')[2]);
/** --bump-revision and --mark-compacted: from 3.4.27, 3.5.10, 3.6 on. */
const canBump = (version: string) =>
  minorOf(version) >= 6 || patchOf(version) >= (minorOf(version) === 5 ? 10 : 27);

/** Our figures as that version's utility words them. */
function asUtility(version: string, status: Awaited<ReturnType<typeof facts>>['status']): UtilityStatus {
  if (status === undefined) throw new Error('no status');
  return {
    hash: status.hash,
    revision: Number(status.revision),
    totalKey: Number(minorOf(version) >= 6 ? status.liveKeys : status.totalEntries),
    totalSize: Number(status.totalSizeBytes),
    ...(minorOf(version) >= 6 ? { version: status.storageVersion } : {}),
  };
}

it('finds an etcd to be tried on', () => {
  expect(installed).not.toEqual([]);
});

describe.each(installed.map((tools) => [tools.version, tools] as const))('etcd %s', (version, tools) => {
  /** A life in small: updates, deletes, leases, transactions of several writes, a compaction. */
  async function live(etcd: Etcd): Promise<void> {
    const lease = await etcd.grant(3600);
    await etcd.grant(60);
    for (let index = 0; index < 300; index++) {
      await etcd.put(`/registry/pods/ns${index % 7}/p${index % 120}`, Buffer.alloc(200 + index * 13, index));
    }
    await etcd.putAll(
      Array.from({ length: 50 }, (_, index) => [`/registry/configmaps/a/c${index}`, `v${index}`] as const),
    );
    await etcd.put('/registry/namespaces/default', 'x', lease);
    for (let index = 0; index < 40; index++) await etcd.delete(`/registry/pods/ns${index % 7}/p${index}`);
    await etcd.call('kv/compaction', { revision: 200, physical: true });
    await etcd.put('/registry/pods/ns1/after', Buffer.alloc(100_000, 1));
  }

  it('status equals its utility’s', async () => {
    await using etcd = await Etcd.start(tools);
    await live(etcd);
    const path = await etcd.snapshot();
    const found = await facts(path);
    expect(asUtility(version, found.status)).toEqual(await utilityStatus(tools, path));
    expect(found).toMatchObject({
      compactRevision: 200n,
      leaseCount: 2n,
      shortLeaseCount: 1n,
      authEnabled: false,
      alarms: [],
      members: [{ name: 'default' }],
      registryPrefix: '/registry',
      rowsAboveContent: 0n,
      trailerValid: true,
      clusterVersion: `3.${minorOf(version)}.0`,
    });
    const pods = await etcd.list('/registry/pods/');
    const counted = found.objects.filter(({ resource }) => resource === 'pods');
    expect(counted.reduce((sum, { count }) => sum + count, 0n)).toBe(BigInt(pods.length));
  });

  it('a store restored from it has its content', async () => {
    await using etcd = await Etcd.start(tools);
    await live(etcd);
    const path = await etcd.snapshot();
    const found = await facts(path);
    const restored = await restore(tools, path, join(etcd.directory, 'restored'), []);
    expect(await facts(restored, 'absent', found.contentRevision)).toMatchObject({
      contentSha256: found.contentSha256,
      rowsAboveContent: 0n,
      trailerPresent: false,
    });
  });

  it.runIf(canBump(version))(
    'a store restored with a bump has its content, and the bump’s row alone above',
    async () => {
      await using etcd = await Etcd.start(tools);
      await live(etcd);
      const path = await etcd.snapshot();
      const found = await facts(path);
      const flags = ['--bump-revision', String(BUMP), '--mark-compacted'];
      const bumped = await restore(tools, path, join(etcd.directory, 'bumped'), flags);
      const restored = await facts(bumped, 'absent', found.contentRevision);
      const revision = found.contentRevision + BigInt(BUMP);
      expect(restored).toMatchObject({
        contentSha256: found.contentSha256,
        contentRevision: found.contentRevision,
        rowsAboveContent: 1n,
        onlyBumpRowAboveContent: true,
        scheduledCompactRevision: revision,
        status: { revision },
      });
      expect(asUtility(version, restored.status)).toEqual(await utilityStatus(tools, bumped));
    },
  );

  it('alarms and authentication show', async () => {
    await using etcd = await Etcd.start(tools);
    await etcd.put('/registry/namespaces/default', 'x');
    const { members } = (await etcd.call('cluster/member/list', {})) as { members: { ID: string }[] };
    await etcd.call('maintenance/alarm', { action: 'ACTIVATE', memberID: members[0]?.ID, alarm: 'NOSPACE' });
    await etcd.call('auth/user/add', { name: 'root', password: 'x' });
    await etcd.call('auth/role/add', { name: 'root' });
    await etcd.call('auth/user/grant', { user: 'root', role: 'root' });
    await etcd.call('auth/enable', {});
    const path = await etcd.snapshot('alarmed.db', ['--user=root:x']);
    const found = await facts(path);
    expect(found).toMatchObject({ alarms: ['NOSPACE'], authEnabled: true });
    expect(asUtility(version, found.status)).toEqual(await utilityStatus(tools, path));
  });

  it('an empty store is read too', async () => {
    await using etcd = await Etcd.start(tools);
    const path = await etcd.snapshot();
    const found = await facts(path);
    expect(asUtility(version, found.status)).toEqual(await utilityStatus(tools, path));
    expect(found).toMatchObject({ registryPrefix: '', objects: [] });
  });

  it('a large store, read in workers, is the same', async () => {
    await using etcd = await Etcd.start(tools);
    for (let index = 0; index < 60; index++) {
      await etcd.putAll(
        Array.from(
          { length: 50 },
          (_, part) =>
            [
              `/registry/secrets/ns${part}/s${index}`,
              Buffer.alloc((index * 97 + part * 53) % 5000, part),
            ] as const,
        ),
      );
    }
    const path = await etcd.snapshot();
    const found = await facts(path);
    expect(found.fileSizeBytes).toBeGreaterThan(4n * 1024n * 1024n);
    expect(asUtility(version, found.status)).toEqual(await utilityStatus(tools, path));
  });
});

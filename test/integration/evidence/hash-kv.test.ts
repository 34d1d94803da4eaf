import { hashKv } from '@lockstep/shared/evidence/hash-kv.ts';
import { describe, expect, it } from 'vitest';
import { locateAllEtcd } from '../../lab/tools/locate.ts';
import { Etcd } from '../snapshot/etcd.ts';

const installed = await locateAllEtcd();

it('finds an etcd to be tried on', () => {
  expect(installed).not.toEqual([]);
});

describe.each(installed.map((tools) => [tools.version, tools] as const))('etcd %s', (_version, tools) => {
  /** What the member answers, in the words of ours. */
  async function asked(etcd: Etcd, revision: number): Promise<object> {
    const { hash, compactRevision } = await etcd.hashKv(revision);
    // A store that was never compacted says -1.
    return { hash, revision, compactRevision: Math.max(0, compactRevision) };
  }

  async function newestOf(etcd: Etcd): Promise<number> {
    const { header } = (await etcd.call('kv/range', { key: 'eA==' })) as { header: { revision: string } };
    return Number(header.revision);
  }

  /** For each of these revisions, what the server answers and what its snapshot says. */
  async function both(
    etcd: Etcd,
    revisions: readonly number[],
  ): Promise<{ theirs: object[]; ours: unknown[] }> {
    const theirs: object[] = [];
    for (const revision of revisions) theirs.push(await asked(etcd, revision));
    const path = await etcd.snapshot(`at-${revisions.join('-')}.db`);
    return { theirs, ours: revisions.map((revision) => hashKv(path, revision)) };
  }

  it('hashes every revision as the server does, before and after compactions', async () => {
    await using etcd = await Etcd.start(tools);
    for (let index = 0; index < 40; index++)
      await etcd.put(`/registry/pods/a/p${index % 9}`, `${index}`.repeat(50));
    await etcd.delete('/registry/pods/a/p3');
    await etcd.putAll([
      ['/registry/x', '1'],
      ['/registry/y', '2'],
    ]);
    const before = await newestOf(etcd);
    const whole = await both(etcd, [2, 9, 30, before - 1, before]);
    expect(whole.ours).toEqual(whole.theirs);

    // At a tombstone: how it is hashed differs between versions, and must not show.
    await etcd.call('kv/compaction', { revision: String(before - 1), physical: true });
    await etcd.delete('/registry/x');
    await etcd.put('/registry/pods/a/p3', 'again');
    const after = await newestOf(etcd);
    const compacted = await both(etcd, [before, after - 1, after]);
    expect(compacted.ours).toEqual(compacted.theirs);
    await etcd.call('kv/compaction', { revision: String(after - 1), physical: true });
    await etcd.put('/registry/z', 'z');
    const again = await both(etcd, [after, after + 1]);
    expect(again.ours).toEqual(again.theirs);
  });

  it('hashes a store in which no key lives any more', async () => {
    await using etcd = await Etcd.start(tools);
    await etcd.put('a', '1');
    await etcd.put('a', '2');
    await etcd.call('kv/compaction', { revision: '3', physical: true });
    await etcd.delete('a');
    const empty = await both(etcd, [4]);
    expect(empty.ours).toEqual(empty.theirs);
  });

  it('says that it cannot, where rows are gone or not there yet', async () => {
    await using etcd = await Etcd.start(tools);
    for (let index = 0; index < 5; index++) await etcd.put('a', `${index}`);
    await etcd.call('kv/compaction', { revision: '4', physical: true });
    const path = await etcd.snapshot();
    expect([3, 4, 7].map((revision) => hashKv(path, revision))).toEqual([undefined, undefined, undefined]);
    expect(hashKv(path)).toEqual(hashKv(path, 6));
  });
});

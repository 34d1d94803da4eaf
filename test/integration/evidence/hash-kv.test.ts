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

  /** Asks for each of these revisions, first the server and then its snapshot. */
  async function compare(etcd: Etcd, revisions: readonly number[]): Promise<void> {
    const answers: object[] = [];
    for (const revision of revisions) answers.push(await asked(etcd, revision));
    const path = await etcd.snapshot(`at-${revisions.join('-')}.db`);
    expect(revisions.map((revision) => hashKv(path, revision))).toEqual(answers);
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
    await compare(etcd, [2, 9, 30, before - 1, before]);

    // At a tombstone: how it is hashed differs between versions, and must not show.
    await etcd.call('kv/compaction', { revision: String(before - 1), physical: true });
    await etcd.delete('/registry/x');
    await etcd.put('/registry/pods/a/p3', 'again');
    const after = await newestOf(etcd);
    await compare(etcd, [before, after - 1, after]);
    await etcd.call('kv/compaction', { revision: String(after - 1), physical: true });
    await etcd.put('/registry/z', 'z');
    await compare(etcd, [after, after + 1]);
  });

  it('hashes a store in which no key lives any more', async () => {
    await using etcd = await Etcd.start(tools);
    await etcd.put('a', '1');
    await etcd.put('a', '2');
    await etcd.call('kv/compaction', { revision: '3', physical: true });
    await etcd.delete('a');
    await compare(etcd, [4]);
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

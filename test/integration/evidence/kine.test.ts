import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openEvidence } from '@lockstep/shared/evidence/open.ts';
import { describe, expect, it } from 'vitest';
import { defaultPlaces, locateProgram, locateTools } from '../../lab/tools/locate.ts';
import { Kine } from './kine.ts';

const kine = await locateProgram('kine', defaultPlaces());

describe.runIf(kine !== undefined)('a real kine', () => {
  it('is read as it tells itself, its log too, and what it compacted is carved', async () => {
    const { etcd } = await locateTools();
    await using running = await Kine.start(kine!, etcd.etcdctl);
    await running.create('/registry/namespaces/default', 'ns');
    await running.create('/registry/secrets/a/s', 'hidden');
    for (const value of ['one', 'two', 'three']) {
      await (value === 'one'
        ? running.create('/registry/pods/a/p', value)
        : running.update('/registry/pods/a/p', value));
    }
    await running.delete('/registry/secrets/a/s');
    const expected = (await running.list()).filter(({ key }) => key !== '/registry/health');

    const copy = join(running.directory, 'copied');
    await mkdir(copy);
    const take = async () => {
      for (const name of ['state.db', 'state.db-wal']) {
        await copyFile(join(running.directory, name), join(copy, name));
      }
    };
    await running.stop();
    await take();

    using evidence = openEvidence(join(copy, 'state.db'));
    const newest = new Map<string, { key: string; value: string; main: number; created: number }>();
    const deleted: string[] = [];
    const versions: number[] = [];
    evidence.rows((row) => {
      const value = Buffer.from(row.value).toString();
      if (row.deleted) {
        newest.delete(row.key);
        deleted.push(`${row.key} ${value}`);
        return;
      }
      if (row.key === '/registry/pods/a/p') versions.push(row.version);
      newest.set(row.key, { key: row.key, value, main: row.main, created: row.createRevision });
    });
    const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1);
    expect([...newest.values()].sort(byKey)).toEqual(expected.sort(byKey));
    expect(deleted).toEqual(['/registry/secrets/a/s hidden']);
    expect(versions).toEqual([1, 2, 3]);
    expect(evidence.facts.registryPrefix).toBe('/registry');
  });

  it('after a compaction, tells what the rows that are left had replaced', async () => {
    const { etcd } = await locateTools();
    await using running = await Kine.start(kine!, etcd.etcdctl);
    await running.create('/registry/pods/a/p', 'one');
    await running.update('/registry/pods/a/p', 'two');
    const [pod] = (await running.list()).filter(({ key }) => key === '/registry/pods/a/p');
    await running.compact(pod!.main);
    await running.stop();
    using evidence = openEvidence(join(running.directory, 'state.db'));
    const rows: string[] = [];
    evidence.rows(({ key, value }) => rows.push(`${key} ${Buffer.from(value).toString()}`));
    expect(rows).toEqual(['/registry/pods/a/p two']);
    const carved: string[] = [];
    evidence.carved(({ main, key, value }) =>
      carved.push(`${main < pod!.main} ${key} ${Buffer.from(value).toString()}`),
    );
    expect(carved).toEqual(['true /registry/pods/a/p one']);
    expect(evidence.facts.compactRevision).toBe(pod!.main);
  });
});

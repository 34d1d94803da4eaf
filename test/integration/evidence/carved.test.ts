import { execFile } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openEvidence } from '@lockstep/shared/evidence/open.ts';
import { describe, expect, it } from 'vitest';
import { locateAllEtcd } from '../../lab/tools/locate.ts';
import { Etcd } from '../snapshot/etcd.ts';

const run = promisify(execFile);
const TOOL_TIMEOUT_MS = 60_000;
const installed = await locateAllEtcd();

interface Found {
  readonly key: string;
  readonly main: number;
  readonly deleted: boolean;
  readonly page: number;
  readonly value: string;
}

function carved(path: string): Found[] {
  using evidence = openEvidence(path);
  const all: Found[] = [];
  evidence.carved(({ key, main, deleted, page, value }) => {
    all.push({ key, main, deleted, page, value: Buffer.from(value).toString('latin1') });
  });
  return all;
}

function rows(path: string): number[] {
  using evidence = openEvidence(path);
  const all: number[] = [];
  evidence.rows(({ main }) => all.push(main));
  return all;
}

it('finds an etcd to be tried on', () => {
  expect(installed).not.toEqual([]);
});

describe.each(installed.map((tools) => [tools.version, tools] as const))('etcd %s', (_version, tools) => {
  const LARGE = 'L'.repeat(30_000);

  /** An event overwritten, deleted and compacted, among others; returns the newest revision. */
  async function hide(etcd: Etcd): Promise<number> {
    for (let index = 0; index < 30; index++) await etcd.put(`/registry/pods/a/p${index}`, `pod ${index}`);
    await etcd.put('/registry/events/a/e', 'first');
    await etcd.put('/registry/events/a/e', 'second');
    await etcd.put('/registry/configmaps/a/large', LARGE);
    // Between these etcd commits (every 100 ms), so that there is a page of before.
    await new Promise((done) => setTimeout(done, 400));
    await etcd.delete('/registry/events/a/e');
    await etcd.delete('/registry/configmaps/a/large');
    await etcd.put('/registry/pods/a/after', 'x');
    const { header } = (await etcd.call('kv/range', { key: 'eA==' })) as { header: { revision: string } };
    await new Promise((done) => setTimeout(done, 400));
    await etcd.call('kv/compaction', { revision: header.revision, physical: true });
    await new Promise((done) => setTimeout(done, 400));
    return Number(header.revision);
  }

  it('finds in free pages what a compaction took, and nothing after a defragmentation', async () => {
    await using etcd = await Etcd.start(tools);
    await hide(etcd);
    const path = await etcd.snapshot();
    const found = carved(path);
    const values = (key: string) =>
      found
        .filter((row) => row.key === key && !row.deleted)
        .sort((a, b) => a.main - b.main)
        .map(({ value }) => value);
    expect(values('/registry/events/a/e')).toEqual(['first', 'second']);
    expect(values('/registry/configmaps/a/large')).toEqual([LARGE]);
    expect(found.some(({ key, deleted }) => key === '/registry/events/a/e' && deleted)).toBe(true);
    const told = found.map(({ main }) => main);
    expect(new Set(told).size).toBe(told.length);
    expect(told.filter((main) => rows(path).includes(main))).toEqual([]);
    // Nothing beside what was put.
    expect(found.map(({ key }) => key).filter((key) => !key.startsWith('/registry/'))).toEqual([]);
    expect(found.every(({ page }) => page > 1)).toBe(true);

    await etcd.call('maintenance/defragment', {});
    expect(carved(await etcd.snapshot('defragmented.db'))).toEqual([]);
  });

  it('finds them in a store copied out of the data directory too', async () => {
    await using etcd = await Etcd.start(tools);
    await hide(etcd);
    const copy = join(etcd.directory, 'copy.db');
    await copyFile(join(etcd.directory, 'data/member/snap/db'), copy);
    expect(carved(copy).some(({ value }) => value === 'second')).toBe(true);
    // And the utility, which would have said so, takes the copy for whole.
    await run(tools.etcdutl, ['snapshot', 'status', copy], {
      env: { ETCDCTL_API: '3' },
      timeout: TOOL_TIMEOUT_MS,
    });
  });
});

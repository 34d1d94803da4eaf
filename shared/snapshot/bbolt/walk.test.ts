import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../errors/lockstep-error.ts';
import { damaged, type Entry, resealMeta, type StoreLayout, writeStore } from '../testing/store-writer.ts';
import { TemporaryFiles } from '../testing/temporary-file.ts';
import { BboltFile, LOOKUP_CACHE_BYTES } from './file.ts';
import { find } from './find.ts';
import { walk } from './walk.ts';

const PAGE = 4096;
const entries = (count: number, valueBytes = 10): Entry[] =>
  Array.from({ length: count }, (_, index) => [
    `key-${String(index).padStart(5, '0')}`,
    Buffer.alloc(valueBytes, index),
  ]);

function read(image: Buffer): Map<string, string[]> {
  using files = new TemporaryFiles();
  using file = new BboltFile(files.write(image), LOOKUP_CACHE_BYTES);
  const found = new Map<string, string[]>();
  let keys: string[] = [];
  walk(file, {
    bucket: (name) => found.set(name, (keys = [])),
    leaf: (leaf) => {
      for (let index = 0; index < leaf.count; index++) {
        keys.push(`${leaf.key(index).toString()}=${leaf.value(index).length}:${leaf.value(index)[0] ?? ''}`);
      }
    },
  });
  return found;
}

function refusal(image: Buffer): string {
  try {
    read(image);
  } catch (thrown) {
    if (thrown instanceof LockstepError) return `${thrown.code} ${thrown.message}`;
    throw thrown;
  }
  return 'read';
}

/** Offset of the first page with this flag, from `from` on. */
function pageWith(image: Buffer, flag: number, from = 2): number {
  for (let at = from * PAGE; at < image.length; at += PAGE)
    if (image.readUInt16LE(at + 8) === flag) return at;
  throw new Error(`no page with flag ${flag}`);
}
const BRANCH = 1;
const LEAF = 2;
const FREELIST = 0x10;

describe('walk', () => {
  it.each<[string, StoreLayout]>([
    ['in one leaf', { entriesPerLeaf: 1000 }],
    ['in a tree of several levels', { entriesPerLeaf: 3, childrenPerBranch: 3 }],
    ['inside their entry', { inlineUpTo: 1000 }],
    ['in pages of 16 KiB', { pageSizeBytes: 16384 }],
    ['beside free pages', { freePages: 5 }],
  ])('visits all entries in order, %s', (_name, layout) => {
    const found = read(writeStore({ key: entries(200), meta: entries(3), empty: [] }, layout));
    expect([...found.keys()]).toEqual(['empty', 'key', 'meta']);
    expect(found.get('key')).toEqual(entries(200).map(([key], index) => `${String(key)}=10:${index}`));
    expect(found.get('empty')).toEqual([]);
  });

  it('reads values far longer than a page, across the blocks of its cache', () => {
    const found = read(writeStore({ key: entries(60, 100_001) }, { entriesPerLeaf: 2 }));
    expect(found.get('key')).toEqual(entries(60).map(([key], index) => `${String(key)}=100001:${index}`));
  });

  it('finds single keys', () => {
    using files = new TemporaryFiles();
    const image = writeStore({ key: entries(200), meta: entries(3) }, { entriesPerLeaf: 3, inlineUpTo: 5 });
    using file = new BboltFile(files.write(image), LOOKUP_CACHE_BYTES);
    expect(find(file, 'key', Buffer.from('key-00137'))).toEqual(Buffer.alloc(10, 137));
    expect(find(file, 'meta', Buffer.from('key-00002'))).toEqual(Buffer.alloc(10, 2));
    for (const absent of ['a', 'key-00137x', 'z'])
      expect(find(file, 'key', Buffer.from(absent))).toBeUndefined();
    expect(find(file, 'lease', Buffer.from('key-00001'))).toBeUndefined();
  });

  const image = writeStore(
    { key: entries(40), meta: entries(2) },
    { entriesPerLeaf: 4, childrenPerBranch: 4, freePages: 2 },
  );
  const branch = pageWith(image, BRANCH);
  const leaf = pageWith(image, LEAF);
  const freelist = pageWith(image, FREELIST);
  const FIRST = 16;

  it.each<[string, (copy: Buffer) => void, string]>([
    ['a page that names another', (copy) => copy.writeBigUInt64LE(99n, leaf), 'says it is page 99'],
    ['a page of no kind', (copy) => copy.writeUInt16LE(0, leaf + 8), 'neither branch nor leaf'],
    ['a page of two kinds', (copy) => copy.writeUInt16LE(3, leaf + 8), 'neither branch nor leaf'],
    [
      'a header as a tree’s page',
      (copy) => copy.writeBigUInt64LE(1n, branch + FIRST + 8),
      'Page 1 is outside',
    ],
    [
      'a child beyond the file',
      (copy) => copy.writeBigUInt64LE(1n << 50n, branch + FIRST + 8),
      'is outside the file',
    ],
    ['a run beyond the file', (copy) => copy.writeUInt32LE(0xffffffff, leaf + 12), 'beyond the file'],
    ['a run into the next page', (copy) => copy.writeUInt32LE(1, leaf + 12), 'reached twice'],
    ['more entries than fit', (copy) => copy.writeUInt16LE(60_000, leaf + 10), 'do not fit'],
    ['more children than fit', (copy) => copy.writeUInt16LE(60_000, branch + 10), 'do not fit'],
    ['a branch without children', (copy) => copy.writeUInt16LE(0, branch + 10), 'without children'],
    ['an entry beyond its page', (copy) => copy.writeUInt32LE(5000, leaf + FIRST + 12), 'outside the page'],
    [
      'an entry that wraps around',
      (copy) => copy.writeUInt32LE(0xfffffff0, leaf + FIRST + 4),
      'outside the page',
    ],
    [
      'entries over each other',
      (copy) => [0, 1].forEach((index) => copy.writeUInt32LE(2500, leaf + FIRST + index * 16 + 12)),
      'entry 1 lies over another',
    ],
    [
      'children over each other',
      (copy) => [0, 1].forEach((index) => copy.writeUInt32LE(2500, branch + FIRST + index * 16 + 4)),
      'child 1 lies over another',
    ],
    ['a key on top of the table', (copy) => copy.writeUInt32LE(0, leaf + FIRST + 4), 'outside the page'],
    ['a key of nothing', (copy) => copy.writeUInt32LE(0, leaf + FIRST + 8), 'has 0 bytes'],
    ['a child beyond its page', (copy) => copy.writeUInt32LE(5000, branch + FIRST), 'outside the page'],
    [
      'one child twice',
      (copy) => copy.copy(copy, branch + FIRST + 24, branch + FIRST + 8, branch + FIRST + 16),
      'reached twice',
    ],
    [
      'a parent as its own child',
      (copy) => copy.copy(copy, branch + FIRST + 8, branch, branch + 8),
      'reached twice',
    ],
    [
      'keys out of order',
      (copy) => copy.write('z', copy.indexOf('key-00001', leaf), 'latin1'),
      'out of order',
    ],
    [
      'a first key below its parent’s',
      (copy) => copy.write('a', copy.indexOf('key-00008', leaf), 'latin1'),
      'below its parent’s',
    ],
    [
      'a last key beyond its parent’s range',
      (copy) => copy.write('z', copy.indexOf('key-00007', leaf), 'latin1'),
      'beyond its parent’s range',
    ],
    [
      'children out of order',
      (copy) => copy.write('z', copy.indexOf('key-00004', branch), 'latin1'),
      'out of order',
    ],
    [
      'a bucket in a bucket',
      (copy) => copy.writeUInt32LE(1, leaf + FIRST),
      'of a kind that etcd does not write',
    ],
    [
      'a free page that is in use',
      (copy) => copy.writeBigUInt64LE(BigInt(leaf / PAGE), freelist + 16),
      'in use and free',
    ],
    [
      'a free page beyond the file',
      (copy) => copy.writeBigUInt64LE(1n << 40n, freelist + 16),
      'is outside the file',
    ],
    ['more free pages than listed', (copy) => copy.writeUInt16LE(9999, freelist + 10), 'claims 9999'],
    ['a page that nobody knows', (copy) => copy.writeUInt16LE(1, freelist + 10), 'neither in use nor free'],
    [
      'a free list of another kind',
      (copy) => copy.writeUInt16LE(LEAF, freelist + 8),
      'no list of free pages',
    ],
  ])('refuses %s', (_name, change, words) => {
    const result = refusal(damaged(image, change));
    expect(result).toMatch(/^SNAPSHOT_CORRUPT /);
    expect(result).toContain(words);
  });

  it('refuses a file shorter than its header says', () => {
    for (const length of [PAGE * 2, image.length - PAGE, image.length - 1]) {
      expect(refusal(image.subarray(0, length))).toMatch(/^SNAPSHOT_TRUNCATED /);
    }
    expect(refusal(image.subarray(0, 50))).toMatch(/^SNAPSHOT_TRUNCATED /);
  });

  it('refuses a root that holds something other than buckets', () => {
    const root = Number(image.readBigUInt64LE(16 + 16)) * PAGE;
    expect(refusal(damaged(image, (copy) => copy.writeUInt32LE(0, root + FIRST)))).toContain('no bucket');
    expect(refusal(damaged(image, (copy) => copy.writeUInt32LE(3, root + FIRST + 12)))).toContain('cut off');
  });

  it('refuses a chain of branches deeper than any tree, without falling off the stack', () => {
    const depth = 5000;
    const chain = Buffer.concat([image.subarray(0, 2 * PAGE), Buffer.alloc(depth * PAGE)]);
    for (let id = 2; id < depth + 2; id++) {
      const at = id * PAGE;
      chain.writeBigUInt64LE(BigInt(id), at);
      chain.writeUInt16LE(BRANCH, at + 8);
      chain.writeUInt16LE(1, at + 10);
      chain.writeUInt32LE(16, at + 16);
      chain.writeUInt32LE(1, at + 20);
      chain.writeBigUInt64LE(BigInt(id + 1), at + 24);
      chain.write('k', at + 32);
    }
    for (const offset of [0, PAGE]) {
      chain.writeBigUInt64LE(2n, offset + 32);
      chain.writeBigUInt64LE(0xffffffffffffffffn, offset + 48);
      chain.writeBigUInt64LE(BigInt(depth + 2), offset + 56);
      resealMeta(chain, offset);
    }
    expect(refusal(chain)).toContain('levels deep');
  });
});

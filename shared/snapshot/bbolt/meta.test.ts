import { describe, expect, it } from 'vitest';
import { damaged, resealMeta, writeStore } from '../testing/store-writer.ts';
import { chooseMeta } from './meta.ts';

const META = 16;
const store = (pageSizeBytes = 4096) => writeStore({ key: [], meta: [] }, { pageSizeBytes, inlineUpTo: 1 });
const choose = (image: Buffer) =>
  chooseMeta((offset, length) =>
    offset + length <= image.length ? image.subarray(offset, offset + length) : undefined,
  );

describe('chooseMeta', () => {
  it('takes the newer of two', () => {
    expect(choose(store()).transactionId).toBe(7n);
    const swapped = damaged(store(), (image) => {
      image.writeBigUInt64LE(9n, 4096 + META + 48);
      resealMeta(image, 4096);
    });
    expect(choose(swapped).transactionId).toBe(9n);
  });

  it.each([1024, 4096, 16384, 65536])(
    'finds the second where the first is damaged, pages of %i',
    (pageSizeBytes) => {
      const image = damaged(store(pageSizeBytes), (copy) => copy.fill(0xff, META, META + 8));
      expect(choose(image)).toMatchObject({ transactionId: 6n, pageSizeBytes });
    },
  );

  it('falls back to the other where the newer has a wrong checksum', () => {
    const image = damaged(store(), (copy) => copy.writeUInt8(copy[META + 20]! ^ 1, META + 20));
    expect(choose(image).transactionId).toBe(6n);
  });

  it('refuses a file in which neither is valid', () => {
    const image = damaged(store(), (copy) => copy.fill(0, 0, 8192));
    expect(() => choose(image)).toThrow('Neither header');
    expect(() => choose(Buffer.alloc(10))).toThrow('too short');
  });

  it('says so where the file is of a big-endian machine', () => {
    const image = damaged(store(), (copy) => {
      copy.writeUInt32BE(0xed0cdaed, META);
      copy.fill(0, 4096, 8192);
    });
    expect(() => choose(image)).toThrow('big-endian');
  });

  it.each([
    [
      'a page size that is no power of two',
      (copy: Buffer) => copy.writeUInt32LE(4097, META + 8),
      'page size',
    ],
    ['a root beyond the file', (copy: Buffer) => copy.writeBigUInt64LE(1n << 40n, META + 16), 'root page'],
    ['a root that is a header', (copy: Buffer) => copy.writeBigUInt64LE(1n, META + 16), 'root page'],
    [
      'a free list beyond the file',
      (copy: Buffer) => copy.writeBigUInt64LE(1n << 40n, META + 32),
      'free list',
    ],
    ['more pages than can be', (copy: Buffer) => copy.writeBigUInt64LE(1n << 60n, META + 40), 'pages'],
  ])('refuses %s, checksum and all', (_name, change, words) => {
    const image = damaged(store(), (copy) => {
      change(copy);
      resealMeta(copy, 0);
    });
    expect(() => choose(image)).toThrow(words);
  });
});

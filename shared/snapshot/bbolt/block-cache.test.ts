import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TemporaryFiles } from '../testing/temporary-file.ts';
import { BlockCache } from './block-cache.ts';

const SIZE_BYTES = 1_000_003;
const CACHE_BYTES = 160 * 1024;

/** Content that differs at every offset. */
const content = Buffer.alloc(SIZE_BYTES);
for (let at = 0; at + 4 <= SIZE_BYTES; at += 4) content.writeUInt32LE(at, at);

/** Numbers below a bound, the same on every run. */
function sameNumbers(): (bound: number) => number {
  let state = 1;
  return (bound) => (state = (state * 48271) % 0x7fffffff) % bound;
}

function readAll(ranges: Iterable<readonly [offset: number, length: number]>): number {
  using files = new TemporaryFiles();
  const fd = openSync(files.write(content), 'r');
  let wrong = 0;
  try {
    const cache = new BlockCache(fd, SIZE_BYTES, CACHE_BYTES);
    for (const [offset, length] of ranges) {
      const { bytes, view, words, start } = cache.read(offset, length);
      const same = bytes.subarray(start, start + length).equals(content.subarray(offset, offset + length));
      const aligned =
        offset % 4 !== 0 || (start % 4 === 0 && words[start / 4] === view.getInt32(start, true));
      if (!same || !aligned) wrong++;
    }
  } finally {
    closeSync(fd);
  }
  return wrong;
}

describe('BlockCache', () => {
  it('gives the file’s bytes, read forward again and again', () => {
    const forward = Array.from({ length: 240 }, (_, index) => [index * 4096, 4096] as const);
    expect(readAll([...forward, ...forward, ...forward.reverse()])).toBe(0);
  });

  it('gives the file’s bytes, wherever and however much is read', () => {
    const below = sameNumbers();
    const ranges = Array.from({ length: 2000 }, (_, index) => {
      const offset = index % 2 === 0 ? below(SIZE_BYTES) & ~3 : below(SIZE_BYTES);
      const most = index % 50 === 0 ? 400_000 : 9000;
      return [offset, Math.min(1 + below(most), SIZE_BYTES - offset)] as const;
    });
    expect(readAll(ranges)).toBe(0);
  });

  it('forgets where blocks lay that it has overwritten', () => {
    const [first, last] = [[0, 4096] as const, [SIZE_BYTES - 4096, 4096] as const];
    const between = Array.from({ length: 15 }, (_, index) => [(index * 2 + 1) * 32_768, 4096] as const);
    expect(readAll([first, ...between, first, last, ...between, last])).toBe(0);
  });
});

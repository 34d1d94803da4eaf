import { describe, expect, it } from 'vitest';
import { BboltFile, LOOKUP_CACHE_BYTES } from './bbolt/file.ts';
import { walk } from './bbolt/walk.ts';
import { ContentDigest } from './content-digest.ts';
import { type Entry, type StoreLayout, writeStore } from './testing/store-writer.ts';
import { TemporaryFiles } from './testing/temporary-file.ts';

function digest(entries: readonly Entry[], layout: StoreLayout = {}): string {
  using files = new TemporaryFiles();
  using file = new BboltFile(files.write(writeStore({ key: entries }, layout)), LOOKUP_CACHE_BYTES);
  const content = new ContentDigest();
  walk(file, { bucket: () => undefined, leaf: (leaf) => content.update(leaf, leaf.count) });
  return content.hex();
}

describe('ContentDigest', () => {
  it('is that of its definition, so that it can be computed again in ten years', () => {
    // SHA-256(SHA-256('abcd') ‖ SHA-256(1 2 1 0 as little-endian words)), computed elsewhere.
    expect(
      digest([
        ['a', 'bc'],
        ['d', ''],
      ]),
    ).toBe('f739ef28577fc560c7cac55a282c9c0081a9617862b4b2ec1031626d7ca69cad');
  });

  it('tells apart rows whose bytes are the same end to end', () => {
    const digests = [
      digest([
        ['a', 'bc'],
        ['d', ''],
      ]),
      digest([
        ['a', 'b'],
        ['cd', ''],
      ]),
      digest([['a', 'bcd']]),
      digest([
        ['ab', 'c'],
        ['d', ''],
      ]),
    ];
    expect(new Set(digests).size).toBe(4);
  });

  it('does not depend on pages, however many rows there are', () => {
    const many = Array.from(
      { length: 20_000 },
      (_, index) => [String(index).padStart(6, '0'), `v${index}`] as const,
    );
    expect(digest(many, { entriesPerLeaf: 7, childrenPerBranch: 50 })).toBe(
      digest(many, { entriesPerLeaf: 300, childrenPerBranch: 200 }),
    );
  });
});

import { afterAll, describe, expect, it } from 'vitest';
import { damaged, type Entry, putRow, sealed, writeStore } from '../snapshot/testing/store-writer.ts';
import { TemporaryFiles } from '../snapshot/testing/temporary-file.ts';
import { readDamaged } from './damage.ts';

const files = new TemporaryFiles();
afterAll(() => files[Symbol.dispose]());

const PAGE_BYTES = 4096;
const key: Entry[] = Array.from({ length: 40 }, (_, index) =>
  putRow(index + 2, 0, `/k${index}`, 'v'.repeat(100)),
);
const image = writeStore({ key, meta: [['a', 'b']] }, { entriesPerLeaf: 8, childrenPerBranch: 4 });
/** Leaves of the bucket key are written first: pages 2 to 6, of 8 rows each. */
const LEAF = 3;

function read(bytes: Buffer) {
  const inTree: number[] = [];
  const beside: number[] = [];
  const damage = readDamaged(files.write(bytes), (row, ofTree) => (ofTree ? inTree : beside).push(row.main));
  return { ...damage, inTree, beside };
}

describe('a damaged etcd file', () => {
  it('has no faults where it has none', () => {
    const { faults, inTree, beside, missingBytes } = read(sealed(image));
    expect({ faults, beside, missingBytes }).toEqual({ faults: [], beside: [], missingBytes: 0 });
    expect(inTree).toEqual(key.map((_, index) => index + 2));
  });

  it('is read around a page that is lost, which is named', () => {
    const { faults, inTree, beside } = read(
      damaged(image, (copy) => copy.fill(0, LEAF * PAGE_BYTES, (LEAF + 1) * PAGE_BYTES)),
    );
    expect(faults).toEqual([{ page: LEAF, what: 'Page 3 says it is page 0.' }]);
    expect(inTree.length).toBe(32);
    expect(beside).toEqual([]);
  });

  it('tells the rows of a page around an entry that is none', () => {
    const { faults, inTree } = read(
      damaged(image, (copy) => copy.writeUInt32LE(0xffff, LEAF * PAGE_BYTES + 16 + 12)),
    );
    expect(faults).toEqual([{ page: LEAF, what: 'Page 3: 1 of its 8 entries are no rows.' }]);
    expect(inTree.length).toBe(39);
  });

  it('finds the rows that a lost branch led to, apart from the tree’s', () => {
    const branches = Array.from({ length: image.length / PAGE_BYTES }, (_, page) => page).filter(
      (page) => page > 1 && image.readUInt16LE(page * PAGE_BYTES + 8) === 1,
    );
    const { faults, inTree, beside } = read(
      damaged(image, (copy) => copy.writeUInt16LE(7, branches[0]! * PAGE_BYTES + 8)),
    );
    expect(faults.map(({ page }) => page)).toEqual([branches[0]]);
    expect(inTree.length + beside.length).toBe(40);
    expect(beside.length).toBeGreaterThan(8);
  });

  it('is read as far as it goes where it was cut off', () => {
    // The root is last: nothing leads to anything any more.
    const { faults, beside, missingBytes } = read(image.subarray(0, image.length - PAGE_BYTES));
    expect(missingBytes).toBe(PAGE_BYTES);
    expect(faults[0]?.what).toMatch('beyond the end of the file');
    expect(beside.length).toBe(40);
  });

  it('does not go round in circles', () => {
    const pages = image.length / PAGE_BYTES;
    const branch = Array.from({ length: pages }, (_, page) => page).findLast(
      (page) => image.readUInt16LE(page * PAGE_BYTES + 8) === 1,
    )!;
    const { faults } = read(
      damaged(image, (copy) => copy.writeBigUInt64LE(BigInt(branch), branch * PAGE_BYTES + 16 + 8)),
    );
    expect(faults).toContainEqual({ page: branch, what: `Page ${branch} is reached twice.` });
  });

  it('is refused where no header is left', () => {
    expect(() => read(damaged(image, (copy) => copy.fill(0, 0, 2 * PAGE_BYTES)))).toThrow(
      expect.objectContaining({ code: 'SNAPSHOT_CORRUPT' }),
    );
  });
});

import { closeSync, openSync, writeSync } from 'node:fs';
import { putRow, resealMeta, revisionName } from '@lockstep/shared/snapshot/testing/store-writer.ts';

const PAGE_BYTES = 4096;
const HEADER_BYTES = 16;
const ELEMENT_BYTES = 16;
const ROWS_PER_LEAF = 24;
const LEAF_RUN_BYTES = 10 * PAGE_BYTES;
const CHILDREN_PER_BRANCH = 100;
const BRANCH = 1;
const LEAF = 2;
const BUCKET_ELEMENT = 1;
/** Of the pages, how many hold rows that nothing leads to: as many as a busy store leaves free. */
const FREE_SHARE = 4;

interface Child {
  readonly key: Buffer;
  readonly page: number;
}

/**
 * A store of about this size, written without an etcd: rows of some 1.5 KB under many keys, each
 * put several times, and a quarter of the pages free, with rows of before in them. Written page
 * by page, so that its size is bound by the disk alone.
 */
export function writeLargeStore(path: string, sizeBytes: number): { rows: number; freeRows: number } {
  const fd = openSync(path, 'w', 0o600);
  try {
    return new LargeStore(fd).write(sizeBytes);
  } finally {
    closeSync(fd);
  }
}

class LargeStore {
  readonly #fd: number;
  #page = 2;
  #main = 1;
  #rows = 0;
  #freeRows = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(sizeBytes: number): { rows: number; freeRows: number } {
    let level: Child[] = [];
    for (let leaf = 0; this.#page * PAGE_BYTES < sizeBytes; leaf++) {
      const child = this.#leafOfRows();
      if (leaf % FREE_SHARE === 1) this.#freeRows += ROWS_PER_LEAF;
      else {
        level.push(child);
        this.#rows += ROWS_PER_LEAF;
      }
    }
    while (level.length > 1) {
      const above: Child[] = [];
      for (let at = 0; at < level.length; at += CHILDREN_PER_BRANCH) {
        above.push(this.#branch(level.slice(at, at + CHILDREN_PER_BRANCH)));
      }
      level = above;
    }
    const bucket = (page: number) => {
      const value = Buffer.alloc(16);
      value.writeBigUInt64LE(BigInt(page));
      return value;
    };
    const meta = this.#append(
      table(LEAF, [{ head: [0], data: [Buffer.from('finishedCompactRev'), revisionName(1, 0)] }]),
    );
    const root = this.#append(
      table(LEAF, [
        { head: [BUCKET_ELEMENT], data: [Buffer.from('key'), bucket(level[0]!.page)] },
        { head: [BUCKET_ELEMENT], data: [Buffer.from('meta'), bucket(meta)] },
      ]),
    );
    for (const index of [0, 1]) this.#header(index, root);
    return { rows: this.#rows, freeRows: this.#freeRows };
  }

  #leafOfRows(): Child {
    const rows = Array.from({ length: ROWS_PER_LEAF }, () => {
      const main = ++this.#main;
      const key = `/registry/pods/namespace-${main % 97}/pod-${main % 50_000}`;
      return putRow(main, 0, key, Buffer.alloc(1300 + ((main * 7) % 300), main));
    });
    const page = this.#append(
      table(
        LEAF,
        rows.map(([name, value]) => ({ head: [0], data: [Buffer.from(name), Buffer.from(value)] })),
      ),
      LEAF_RUN_BYTES,
    );
    return { key: Buffer.from(rows[0]![0]), page };
  }

  #branch(children: readonly Child[]): Child {
    const page = this.#append(
      table(
        BRANCH,
        children.map(({ key, page: child }) => ({ child, head: [], data: [key] })),
      ),
    );
    return { key: children[0]!.key, page };
  }

  #append(page: Buffer, runBytes = PAGE_BYTES): number {
    const id = this.#page;
    const pages = Math.ceil(Math.max(page.length, runBytes) / PAGE_BYTES);
    const run = Buffer.alloc(pages * PAGE_BYTES);
    page.copy(run);
    run.writeBigUInt64LE(BigInt(id));
    run.writeUInt32LE(pages - 1, 12);
    writeSync(this.#fd, run, 0, run.length, id * PAGE_BYTES);
    this.#page += pages;
    return id;
  }

  #header(index: number, root: number): void {
    const page = Buffer.alloc(PAGE_BYTES);
    page.writeBigUInt64LE(BigInt(index));
    page.writeUInt16LE(4, 8);
    const meta = page.subarray(HEADER_BYTES);
    meta.writeUInt32LE(0xed0cdaed, 0);
    meta.writeUInt32LE(2, 4);
    meta.writeUInt32LE(PAGE_BYTES, 8);
    meta.writeBigUInt64LE(BigInt(root), 16);
    meta.writeBigUInt64LE(0xffffffffffffffffn, 32);
    meta.writeBigUInt64LE(BigInt(this.#page), 40);
    meta.writeBigUInt64LE(BigInt(9 - index), 48);
    resealMeta(page, 0);
    writeSync(this.#fd, page, 0, page.length, index * PAGE_BYTES);
  }
}

/** A page: of a leaf, entries of key and value; of a branch, keys and the pages that they lead to. */
function table(
  flags: number,
  entries: readonly {
    readonly child?: number;
    readonly head: readonly number[];
    readonly data: readonly Buffer[];
  }[],
): Buffer {
  const page = Buffer.alloc(HEADER_BYTES + entries.length * ELEMENT_BYTES);
  page.writeUInt16LE(flags, 8);
  page.writeUInt16LE(entries.length, 10);
  let end = page.length;
  entries.forEach(({ child, head, data }, index) => {
    const element = HEADER_BYTES + index * ELEMENT_BYTES;
    const words = [...head, end - element, ...data.map(({ length }) => length)];
    words.forEach((word, at) => page.writeUInt32LE(word, element + at * 4));
    if (child !== undefined) page.writeBigUInt64LE(BigInt(child), element + 8);
    end += data.reduce((sum, { length }) => sum + length, 0);
  });
  return Buffer.concat([page, ...entries.flatMap(({ data }) => data)]);
}

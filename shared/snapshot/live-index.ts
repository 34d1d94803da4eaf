import { corrupt } from './bbolt/corrupt.ts';
import { BboltFile, WALK_CACHE_BYTES } from './bbolt/file.ts';
import { walkInSteps } from './bbolt/walk.ts';
import { KeyBucket } from './live-rows.ts';
import type { Steps } from './steps.ts';

/** The live keys under a prefix as columns, cheap to hand from a worker to its caller. */
export interface LiveIndex {
  /** All keys end to end, latin1. */
  readonly keys: Buffer;
  /** Where each key ends in `keys`. */
  readonly keyEnds: Float64Array;
  /** Revision of the newest put of each key, and its place in that transaction. */
  readonly mains: Float64Array;
  readonly subs: Float64Array;
}

/** Reads the whole store. Throws as `collectFacts` does. */
export function* liveIndex(path: string, registryPrefix: string): Steps<LiveIndex> {
  const bucket = new KeyBucket(0);
  let name = '';
  let found = false;
  using file = new BboltFile(path, WALK_CACHE_BYTES);
  yield* walkInSteps(file, {
    bucket(next) {
      name = next;
      found ||= next === 'key';
    },
    leaf(leaf) {
      if (name === 'key') bucket.leaf(leaf);
    },
  });
  if (!found) throw corrupt('The file has no bucket key: it is no etcd store.');
  yield;
  const under = `${Buffer.from(registryPrefix).toString('latin1')}/`;
  let count = 0;
  let keysBytes = 0;
  for (const [key] of bucket.live) {
    if (!key.startsWith(under)) continue;
    count++;
    keysBytes += key.length;
  }
  yield;
  const index = {
    keys: Buffer.alloc(keysBytes),
    keyEnds: new Float64Array(count),
    mains: new Float64Array(count),
    subs: new Float64Array(count),
  };
  let at = 0;
  let end = 0;
  for (const [key, row] of bucket.live) {
    if (!key.startsWith(under)) continue;
    end += index.keys.write(key, end, 'latin1');
    index.keyEnds[at] = end;
    index.mains[at] = row.main;
    index.subs[at] = row.sub;
    at++;
  }
  return index;
}

export interface IndexedRow {
  readonly main: number;
  readonly sub: number;
}

/** The index as a map from keys (latin1) to rows. */
export function* rowsOf(index: LiveIndex): Generator<[string, IndexedRow]> {
  // Across a worker's boundary a Buffer arrives as a plain Uint8Array.
  const keys = Buffer.from(index.keys.buffer, index.keys.byteOffset, index.keys.byteLength);
  let start = 0;
  for (let row = 0; row < index.keyEnds.length; row++) {
    const end = index.keyEnds[row]!;
    yield [keys.toString('latin1', start, end), { main: index.mains[row]!, sub: index.subs[row]! }];
    start = end;
  }
}

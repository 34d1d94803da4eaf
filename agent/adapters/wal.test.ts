import { expect, test } from 'vitest';

import { parseWal } from './wal.ts';

/** Protobuf fields 1 and 3 of a WAL record: its type and its data. */
function record(type: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0x08, type, 0x1a, data.length), data]);
}

/** A frame as etcd writes it: length, padding to eight bytes, and the padding's size in the top byte. */
function frame(payload: Buffer): Buffer {
  const padding = (8 - (payload.length % 8)) % 8;
  const header = Buffer.alloc(8);
  const top = padding === 0 ? 0n : BigInt(0x80 | padding);
  header.writeBigUInt64LE(BigInt(payload.length) | (top << 56n));
  return Buffer.concat([header, payload, Buffer.alloc(padding)]);
}

/** etcdserverpb.Metadata: node 0x0a, cluster 0x0b. */
const METADATA = frame(record(1, Buffer.of(0x08, 0x0a, 0x10, 0x0b)));
/** raftpb.Entry: term 2, index as given (below 128). */
const entry = (index: number): Buffer => frame(record(2, Buffer.of(0x10, 2, 0x18, index)));
/** raftpb.HardState: term 2, vote 1, committed as given. */
const state = (committed: number): Buffer => frame(record(3, Buffer.of(0x08, 2, 0x10, 1, 0x18, committed)));
const PREALLOCATED = Buffer.alloc(64);

test('ids and the highest index, up to where the file is only preallocated', () => {
  const content = Buffer.concat([METADATA, entry(3), entry(4), state(3), PREALLOCATED, entry(9), state(9)]);
  expect(parseWal(content)).toEqual({ memberId: 'a', clusterId: 'b', lastIndex: 4n, committedIndex: 3n });
});

test('an index that comes again lower was overwritten, and still bounds', () => {
  expect(parseWal(Buffer.concat([METADATA, entry(7), entry(5)])).lastIndex).toBe(7n);
});

test('a cut frame ends it', () => {
  const whole = Buffer.concat([METADATA, entry(3), entry(4)]);
  for (let length = 0; length < whole.length; length += 1) {
    expect(parseWal(whole.subarray(0, length)).lastIndex).toBeLessThanOrEqual(4n);
  }
  expect(parseWal(whole.subarray(0, whole.length - 8)).lastIndex).toBe(3n);
});

test('rubbish is no WAL, and no reason to fail', () => {
  expect(parseWal(Buffer.alloc(0))).toEqual({
    memberId: '',
    clusterId: '',
    lastIndex: 0n,
    committedIndex: 0n,
  });
  expect(parseWal(Buffer.from('rubbish, rubbish, rubbish')).lastIndex).toBe(0n);
});

import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { WireMessage } from '@lockstep/shared/kubernetes/wire.ts';

import { absentAsUndefined } from './host-files.ts';

/** What a member's write-ahead log says of it; ids in hexadecimal as etcd prints them. */
export interface WalFacts {
  readonly memberId: string;
  readonly clusterId: string;
  /** Highest index of any entry: no revision of this member can be above what these entries made. */
  readonly lastIndex: bigint;
  /** Highest index that this member knew to be committed; 0 where its last file does not say. */
  readonly committedIndex: bigint;
}

/** etcd cuts a new file at 64 MB; one entry may go beyond it by the largest request. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;
const FRAME_HEADER_BYTES = 8;
/** walpb.Record.type */
const RECORD = { metadata: 1n, entry: 2n, state: 3n } as const;

/** Reads the last file of a WAL directory; undefined where there is none. The files are only read. */
export async function readWalFacts(directory: string, signal: AbortSignal): Promise<WalFacts | undefined> {
  const names = (await absentAsUndefined(readdir(directory))) ?? [];
  const last = names
    .filter((name) => /^[0-9a-f]{16}-[0-9a-f]{16}\.wal$/u.test(name))
    .sort()
    .at(-1);
  if (last === undefined) return undefined;
  signal.throwIfAborted();
  await using handle = await open(join(directory, last));
  const { size } = await handle.stat();
  const content = Buffer.alloc(Math.min(size, MAX_FILE_BYTES));
  const { bytesRead } = await handle.read(content, 0, content.length, 0);
  const facts = parseWal(content.subarray(0, bytesRead));
  // The file begins after the entry before the index in its name.
  const firstIndex = BigInt(`0x${last.slice(17, 33)}`);
  const before = firstIndex === 0n ? 0n : firstIndex - 1n;
  return { ...facts, lastIndex: facts.lastIndex > before ? facts.lastIndex : before };
}

/**
 * One WAL file: frames of a length (the lowest 56 bits; the upper byte is padding) and a record.
 * It is preallocated with zeros, so the first empty frame, or one that is cut, ends it.
 */
export function parseWal(content: Buffer): WalFacts {
  let facts: WalFacts = { memberId: '', clusterId: '', lastIndex: 0n, committedIndex: 0n };
  let at = 0;
  while (at + FRAME_HEADER_BYTES <= content.length) {
    const header = content.readBigUInt64LE(at);
    const length = Number(header & 0xff_ffff_ffff_ffffn);
    if (length === 0) break;
    // The top bit says that the lowest three of the upper byte count padding.
    const upper = Number(header >> 56n);
    const padding = (upper & 0x80) === 0 ? 0 : upper & 0x07;
    const start = at + FRAME_HEADER_BYTES;
    if (start + length > content.length) break;
    const record = WireMessage.parse(content.subarray(start, start + length));
    const data = WireMessage.parse(record?.bytes(3) ?? new Uint8Array());
    const type = record?.varint(1);
    if (type === RECORD.metadata) {
      facts = { ...facts, memberId: hexField(data, 1), clusterId: hexField(data, 2) };
    } else if (type === RECORD.entry) {
      const index = data?.varint(3) ?? 0n;
      // An index may come again, lower: a leader overwrote what was never committed.
      if (index > facts.lastIndex) facts = { ...facts, lastIndex: index };
    } else if (type === RECORD.state) {
      // raftpb.HardState: 1 term, 2 vote, 3 commit. Every file begins with one.
      facts = { ...facts, committedIndex: data?.varint(3) ?? 0n };
    }
    at = start + length + padding;
  }
  return facts;
}

function hexField(message: WireMessage | undefined, field: number): string {
  return (message?.varint(field) ?? 0n).toString(16);
}

import { open } from 'node:fs/promises';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type {
  ReadSnapshotRequest,
  ReadSnapshotResponse,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { CHUNK_BYTES, packChunk } from './chunks.ts';
import type { PackedChunks } from './packed-chunks.ts';
import type { SnapshotStore } from './store.ts';

/** Chunks read and packed ahead of the wire: one packs while one is sent, and no more are held. */
const READ_AHEAD_CHUNKS = 2;

/**
 * A stored snapshot from an offset on, in chunks; as fast as they are taken. Whoever begins in the
 * middle of a chunk is with the others from the next one on. Throws SNAPSHOT_NOT_FOUND.
 */
export async function* serveSnapshot(
  { store, packed }: { readonly store: SnapshotStore; readonly packed: PackedChunks },
  request: ReadSnapshotRequest,
  signal: AbortSignal,
): AsyncGenerator<ReadSnapshotResponse, void, undefined> {
  await store.get(request.snapshotId);
  await using file = await open(store.pathOf(request.snapshotId), 'r');
  const { dev, ino, ctimeNs, size } = await file.stat({ bigint: true });
  const identity = `${dev}:${ino}:${ctimeNs}:${size}`;
  const totalBytes = Number(size);
  const start = Number(request.offsetBytes);
  if (start > totalBytes) {
    throw new LockstepError('USAGE', { message: `Offset ${start} is past the end, ${totalBytes}.` });
  }

  const endOf = (offset: number): number =>
    Math.min(offset - (offset % CHUNK_BYTES) + CHUNK_BYTES, totalBytes);
  // What is packed is a copy: a stream gets by with as many buffers as it reads ahead.
  const free: Buffer[] = [];
  const pack = async (offset: number): Promise<ReadSnapshotResponse> => {
    const buffer = free.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const plain = buffer.subarray(0, endOf(offset) - offset);
    for (let filled = 0; filled < plain.length; ) {
      const { bytesRead } = await file.read(plain, filled, plain.length - filled, offset + filled);
      if (bytesRead === 0) {
        throw new LockstepError('SNAPSHOT_TRUNCATED', { message: 'The file shrank while it was read.' });
      }
      filled += bytesRead;
    }
    const chunk = await packChunk(plain, BigInt(offset), BigInt(totalBytes));
    free.push(buffer);
    return chunk;
  };

  using _used = packed.use(identity);
  const ahead: Promise<ReadSnapshotResponse>[] = [];
  let next = start;
  try {
    for (;;) {
      while (ahead.length < READ_AHEAD_CHUNKS && next < totalBytes) {
        const offset = next;
        ahead.push(packed.get(identity, offset, () => pack(offset)));
        next = endOf(offset);
      }
      const chunk = ahead.shift();
      if (chunk === undefined) return;
      signal.throwIfAborted();
      yield await chunk;
    }
  } finally {
    // The file is not closed under a read that is still in flight.
    await Promise.allSettled(ahead);
  }
}

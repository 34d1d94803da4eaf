import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { ReadSnapshotResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';

/** Large enough that the wire, not the messages, sets the pace; far below gRPC's limit. */
export const CHUNK_BYTES = 1024 * 1024;

/** Compressed is sent only where it saves this share: below it, unpacking costs more than it spares. */
const WORTHWHILE_SHARE = 0.9;

/**
 * What one turn of zstd may give out: what a chunk mostly packs to, and a whole one unpacked, so that
 * it takes one visit to the thread pool and one buffer, not one for every 16 KiB.
 */
const PACKED_TURN_BYTES = 384 * 1024;
const PLAIN_TURN_BYTES = CHUNK_BYTES + 4096;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** One chunk as it goes over the wire, with the digest of its plain bytes. */
export async function packChunk(
  plain: Uint8Array,
  offsetBytes: bigint,
  totalSizeBytes: bigint,
): Promise<ReadSnapshotResponse> {
  const packed = await compress(plain, {
    chunkSize: PACKED_TURN_BYTES,
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
  });
  const compressed = packed.length < plain.length * WORTHWHILE_SHARE;
  return {
    offsetBytes,
    // A copy of its own size: what zstd gave lies in a buffer of a whole chunk.
    data: Buffer.from(compressed ? packed : plain),
    compressed,
    sha256: sha256Hex(plain),
    plainSizeBytes: BigInt(plain.length),
    totalSizeBytes,
  };
}

/** The plain bytes of a chunk. Throws PULL_FAILED where it is not what its digest says, or too large. */
export async function unpackChunk(chunk: ReadSnapshotResponse): Promise<Uint8Array> {
  if (chunk.plainSizeBytes > BigInt(CHUNK_BYTES)) {
    throw broken(chunk, `has ${chunk.plainSizeBytes} bytes; at most ${CHUNK_BYTES} are taken`);
  }
  let plain: Uint8Array;
  try {
    // The bound holds whatever the frame claims: nobody fills this process's memory.
    plain = chunk.compressed
      ? await decompress(chunk.data, { chunkSize: PLAIN_TURN_BYTES, maxOutputLength: CHUNK_BYTES })
      : chunk.data;
  } catch (cause) {
    throw broken(chunk, 'does not unpack', cause);
  }
  if (BigInt(plain.length) !== chunk.plainSizeBytes || sha256Hex(plain) !== chunk.sha256) {
    throw broken(chunk, 'is not what its digest says');
  }
  return plain;
}

function broken(chunk: ReadSnapshotResponse, what: string, cause?: unknown): LockstepError {
  return new LockstepError('PULL_FAILED', { message: `The chunk at ${chunk.offsetBytes} ${what}.`, cause });
}

import { open } from 'node:fs/promises';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { type FileDigests, TRAILER_BYTES } from '@lockstep/shared/snapshot/trailer.ts';
import { syncOrFail, writeAllOf } from './durable.ts';
import { TrailedDigest } from './trailed-digest.ts';

/** etcd sends messages of 32 KiB: written and hashed one by one, they cost half as much again. */
const WRITE_BYTES = 1024 * 1024;

export interface ReceiveOptions<Ready> {
  /** A member whose disk fails keeps the stream open and says nothing: silence this long is a failure. */
  readonly silenceTimeoutMs: number;
  /** Nothing is written before this resolves. The stream is asked for at once: it takes as long to begin. */
  readonly ready: Promise<Ready>;
  readonly progress: (receivedBytes: bigint, ready: Ready) => void;
}

/**
 * Writes a stream to a new file as it comes, trailer included; holds the trailer against the
 * digest of what was written, and `use`s that while the file is being synced: to be read, bytes
 * need not be on the disk. Throws SNAPSHOT_TRUNCATED, SNAPSHOT_TRAILER_MISMATCH, DISK_FULL,
 * SYNC_FAILED, SAVE_FAILED for silence, and what the stream, `ready` or `use` throws.
 */
export async function receiveSnapshot<Ready, Result>(
  stream: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
  path: string,
  use: (digests: FileDigests) => Promise<Result>,
  { silenceTimeoutMs, ready, progress }: ReceiveOptions<Ready>,
  signal: AbortSignal,
): Promise<Result> {
  await using file = await open(path, 'wx', 0o600);
  using silence = new SilenceWatch(silenceTimeoutMs);
  const received = new TrailedDigest();
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  // One write is under way while the bytes of the next one come; no more than both is held.
  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    const isReady = await ready;
    await writing;
    const pieces = pending;
    [pending, pendingBytes] = [[], 0];
    for (const piece of pieces) received.update(piece);
    const receivedBytes = BigInt(received.sizeBytes);
    writing = writeAllOf(file, pieces, path).then(() => progress(receivedBytes, isReady));
    // Who waits for it learns of it.
    writing.catch(() => undefined);
  };
  try {
    for await (const bytes of stream(AbortSignal.any([signal, silence.signal]))) {
      silence.heard();
      pending.push(bytes);
      pendingBytes += bytes.length;
      if (pendingBytes >= WRITE_BYTES) await write();
      // A slow disk here is not the member's silence.
      silence.heard();
    }
    await write();
    await writing;
  } catch (thrown) {
    await writing.catch(() => undefined);
    throw silence.signal.aborted && !signal.aborted ? silence.signal.reason : thrown;
  }
  if (received.sizeBytes <= TRAILER_BYTES) {
    throw new LockstepError('SNAPSHOT_TRUNCATED', {
      message: `The member sent ${received.sizeBytes} bytes.`,
    });
  }
  // A member's stream has one, whatever its length makes of it.
  const digests = { ...received.finish(), trailerPresent: true };
  if (!digests.trailerValid) {
    throw new LockstepError('SNAPSHOT_TRAILER_MISMATCH', {
      message: 'The trailer that the member sent is not the digest of what it sent.',
    });
  }
  const [synced, used] = await Promise.allSettled([syncOrFail(file, path), use(digests)]);
  if (synced.status === 'rejected') throw synced.reason;
  if (used.status === 'rejected') throw used.reason;
  return used.value;
}

class SilenceWatch implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(timeoutMs: number) {
    this.#timer = setTimeout(() => {
      const message = `The member sent nothing for ${timeoutMs / 1000} s.`;
      this.#controller.abort(new LockstepError('SAVE_FAILED', { message }));
    }, timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  heard(): void {
    this.#timer.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

import { Readable } from 'node:stream';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { Encoding } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { Decrypter, Encrypter } from 'age-encryption';

/** Beyond it a snapshot of Kubernetes objects hardly shrinks, and takes several times as long. */
const LEVEL = 3;

/**
 * The largest window that is unpacked, 8 MiB: four times what our own level uses. What comes from
 * a store must not choose how much memory this process takes.
 */
const MAX_WINDOW_LOG = 23;

/** A snapshot as a store is to hold it; as fast as it is taken, with a few pieces in memory. */
export async function* encode(
  plain: AsyncIterable<Uint8Array>,
  recipients: readonly string[],
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = sourceOf(plain);
  const zstd = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
  const compressed = piped(source, zstd);
  try {
    if (recipients.length === 0) yield* compressed as AsyncIterable<Uint8Array>;
    else yield* (await encrypterFor(recipients).encrypt(webStream(compressed))) as AsyncIterable<Uint8Array>;
  } catch (thrown) {
    throw source.failure ?? thrown;
  } finally {
    compressed.destroy();
  }
}

/**
 * The plain bytes of what a store holds. What the source throws passes through; what does not
 * decrypt or unpack is COPY_DAMAGED, what the key does not open COPY_KEY_WRONG.
 */
export async function* decode(
  stored: AsyncIterable<Uint8Array>,
  encoding: Encoding,
  fileKey: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = sourceOf(stored);
  const zstd = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG } });
  let plain: Readable | undefined;
  try {
    plain = piped(encoding === Encoding.ENCODING_ZSTD_AGE ? await decrypted(source, fileKey) : source, zstd);
    yield* plain as AsyncIterable<Uint8Array>;
  } catch (thrown) {
    if (source.failure !== undefined) throw source.failure;
    if (thrown instanceof LockstepError) throw thrown;
    throw new LockstepError('COPY_DAMAGED', {
      message: 'The stored copy does not decrypt or unpack.',
      cause: thrown,
    });
  } finally {
    plain?.destroy();
    zstd.destroy();
  }
}

async function decrypted(source: Source, fileKey: Uint8Array): Promise<AsyncIterable<Uint8Array>> {
  const decrypter = new Decrypter();
  decrypter.addIdentity({ unwrapFileKey: () => fileKey });
  try {
    return (await decrypter.decrypt(ReadableStream.from(source))) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    // The head carries a code made with the file's own key: another key is known by it at once.
    if (cause instanceof Error && cause.message === 'invalid header HMAC') {
      throw new LockstepError('COPY_KEY_WRONG', { message: 'The key is not the one of this copy.' });
    }
    throw cause;
  }
}

/** Throws CONFIG_INVALID for what is no recipient. */
function encrypterFor(recipients: readonly string[]): Encrypter {
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (cause) {
      throw new LockstepError('CONFIG_INVALID', {
        message: `${JSON.stringify(recipient)} is no age recipient.`,
        cause,
      });
    }
  }
  return encrypter;
}

interface Source extends AsyncIterable<Uint8Array> {
  /** Why it ended, which the streams behind it say in other words. */
  failure: unknown;
}

function sourceOf(bytes: AsyncIterable<Uint8Array>): Source {
  const source: Source = {
    failure: undefined,
    async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
      try {
        yield* bytes;
      } catch (thrown) {
        source.failure = thrown;
        throw thrown;
      }
    },
  };
  return source;
}

/** Through a transform; an error on either side ends both. */
function piped(
  source: AsyncIterable<Uint8Array>,
  transform: ReturnType<typeof createZstdCompress> | ReturnType<typeof createZstdDecompress>,
): Readable {
  const readable = Readable.from(source, { objectMode: false });
  readable.once('error', (error) => transform.destroy(error));
  transform.once('close', () => readable.destroy());
  return readable.pipe(transform);
}

function webStream(readable: Readable): ReadableStream<Uint8Array> {
  return Readable.toWeb(readable) as ReadableStream<Uint8Array>;
}

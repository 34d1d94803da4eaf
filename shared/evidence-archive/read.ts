import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { constants, createZstdDecompress } from 'node:zlib';
import { LockstepError } from '../errors/lockstep-error.ts';
import { Seal } from '../generated/lockstep/v1/snapshot.ts';
import { canonicalJson } from '../seal/canonical.ts';
import { ByteQueue } from './byte-queue.ts';
import { ARCHIVE_LIMITS, type ArchiveLimits } from './limits.ts';
import { type EvidenceManifest, manifestSchema, sealedManifestSchema } from './manifest.ts';
import { MANIFEST_NAME } from './names.ts';
import { BLOCK_BYTES, END_BYTES, isZero, paddingBytes, parseTarHeader, type TarEntry } from './tar.ts';
import { ZstdFrame } from './zstd-frame.ts';

export interface ReadEntry {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** An archive that was read to its end. Whether its digests and its seal hold says `judgeArchive`. */
export interface ReadArchive {
  readonly manifest: EvidenceManifest;
  /** Whatever the text held, fields of a newer version too: what the seal covers. */
  readonly content: unknown;
  readonly seals: readonly Seal[];
  /** What is in it, by name; the manifest apart. */
  readonly entries: ReadonlyMap<string, ReadEntry>;
  /** Of the file as it is stored. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Given each file before its bytes: whoever wants them returns what takes them, piece by piece. */
export type VisitEntry = (entry: TarEntry) => ((bytes: Uint8Array) => void) | undefined;

/**
 * Reads an archive whole, as fast as it comes and holding none of its files. Throws
 * EVIDENCE_ARCHIVE_INVALID for whatever an agent does not write: an archive comes from a node that
 * may be an enemy's.
 */
export async function readArchive(
  stored: AsyncIterable<Uint8Array>,
  visit: VisitEntry = () => undefined,
  limits: ArchiveLimits = ARCHIVE_LIMITS,
): Promise<ReadArchive> {
  const whole = createHash('sha256');
  let sizeBytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const bytes of stored) {
      whole.update(bytes);
      sizeBytes += bytes.length;
      yield bytes;
    }
  }
  const read = await readPlain(unpacked(counted(), limits), visit, limits);
  return { ...read, sha256: whole.digest('hex'), sizeBytes };
}

async function readPlain(
  plain: AsyncIterable<Uint8Array>,
  visit: VisitEntry,
  limits: ArchiveLimits,
): Promise<Omit<ReadArchive, 'sha256' | 'sizeBytes'>> {
  const queue = new ByteQueue(plain, limits.maxPlainBytes);
  const entries = new Map<string, ReadEntry>();
  for (;;) {
    const header = await queue.take(BLOCK_BYTES);
    if (isZero(header)) throw invalid('it ends without a manifest');
    const entry = parseTarHeader(header);
    if (entry.name === MANIFEST_NAME) {
      if (entry.sizeBytes > limits.maxManifestBytes) throw invalid('its manifest is too large');
      const text = await queue.take(entry.sizeBytes);
      await takePadding(queue, paddingBytes(entry.sizeBytes) + END_BYTES);
      await queue.expectEnd();
      return { ...parseManifest(text), entries };
    }
    if (entries.has(entry.name)) throw invalid('a name is in it twice');
    if (entries.size >= limits.maxFiles) throw invalid(`it holds more than ${limits.maxFiles} files`);
    if (entry.sizeBytes > limits.maxFileBytes) throw invalid('a file in it is too large');
    const digest = createHash('sha256');
    const take = visit(entry);
    for await (const bytes of queue.pieces(entry.sizeBytes)) {
      digest.update(bytes);
      take?.(bytes);
    }
    await takePadding(queue, paddingBytes(entry.sizeBytes));
    entries.set(entry.name, { sizeBytes: entry.sizeBytes, sha256: digest.digest('hex') });
  }
}

async function takePadding(queue: ByteQueue, sizeBytes: number): Promise<void> {
  if (!isZero(await queue.take(sizeBytes))) throw invalid('bytes hide between its files');
}

function parseManifest(text: Buffer): Pick<ReadArchive, 'manifest' | 'content' | 'seals'> {
  try {
    const sealed = sealedManifestSchema.parse(JSON.parse(text.toString('utf8')));
    // What has no canonical text cannot have been sealed.
    canonicalJson(sealed.manifest);
    return {
      manifest: manifestSchema.parse(sealed.manifest),
      content: sealed.manifest,
      seals: sealed.seals.map((each) => Seal.fromJSON(each)),
    };
  } catch (cause) {
    throw invalid('its manifest is not as agents write it', cause);
  }
}

/** zstd, its window bounded; how much comes of it bounds the queue. */
async function* unpacked(
  stored: AsyncIterable<Uint8Array>,
  limits: ArchiveLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  const frame = new ZstdFrame();
  async function* fed(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const bytes of stored) {
      frame.take(bytes);
      yield bytes;
    }
    if (!frame.isComplete) throw invalid('it is cut off');
  }
  const source = Readable.from(fed(), { objectMode: false });
  const zstd = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: limits.maxWindowLog } });
  let failure: unknown;
  source.once('error', (error) => {
    failure = error;
    zstd.destroy(error);
  });
  zstd.once('close', () => source.destroy());
  try {
    yield* source.pipe(zstd) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    if (failure !== undefined) throw failure;
    throw invalid('it does not unpack', cause);
  } finally {
    source.destroy();
    zstd.destroy();
  }
}

function invalid(why: string, cause?: unknown): LockstepError {
  return new LockstepError('EVIDENCE_ARCHIVE_INVALID', { message: `The archive is refused: ${why}.`, cause });
}

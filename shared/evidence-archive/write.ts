import { createHash } from 'node:crypto';
import { MANIFEST_NAME } from './names.ts';
import { END_BYTES, paddingBytes, type TarEntry, tarHeader } from './tar.ts';

export interface WrittenFile {
  readonly sha256: string;
  /** Where the source ended before its time: zeros follow from here. */
  readonly shrankAtBytes: number | undefined;
}

/**
 * One file: header, bytes, padding. A tar's header says the size before the first byte, and files
 * change under those who read them: what is beyond the size is left out, what is missing is zeros.
 */
export async function* writeFile(
  entry: TarEntry,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, WrittenFile, undefined> {
  yield tarHeader(entry);
  const digest = createHash('sha256');
  let written = 0;
  for await (const piece of bytes) {
    const room = entry.sizeBytes - written;
    const fitting = piece.length > room ? piece.subarray(0, room) : piece;
    if (fitting.length > 0) {
      digest.update(fitting);
      written += fitting.length;
      yield fitting;
    }
    if (written === entry.sizeBytes) break;
  }
  const shrankAtBytes = written < entry.sizeBytes ? written : undefined;
  for (const zeros of zeroPieces(entry.sizeBytes - written)) {
    digest.update(zeros);
    yield zeros;
  }
  const padding = paddingBytes(entry.sizeBytes);
  if (padding > 0) yield Buffer.alloc(padding);
  return { sha256: digest.digest('hex'), shrankAtBytes };
}

/** The manifest and the end: digests are known only now, so what names them comes last. */
export function* writeEnd(manifestText: string, nowMs: number): Generator<Uint8Array, void, undefined> {
  const bytes = Buffer.from(manifestText);
  yield tarHeader({ name: MANIFEST_NAME, sizeBytes: bytes.length, mtimeSeconds: nowMs / 1000 });
  yield bytes;
  yield Buffer.alloc(paddingBytes(bytes.length) + END_BYTES);
}

const ZEROS = Buffer.alloc(1024 * 1024);

function* zeroPieces(sizeBytes: number): Generator<Uint8Array> {
  for (let left = sizeBytes; left > 0; left -= ZEROS.length) {
    yield left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS;
  }
}

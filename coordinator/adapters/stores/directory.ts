import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '@lockstep/shared/clock.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { within } from '@lockstep/shared/silence.ts';
import type { Store, StoredObject } from '../../runner/ports.ts';
import { isObjectName, requireObjectName } from './names.ts';

const READ_BYTES = 1024 * 1024;
/** Nobody writes one for so long: whoever began it is dead. */
const PART_ABANDONED_MS = 24 * 60 * 60_000;

export interface DirectoryStoreSettings {
  readonly name: string;
  /** Must be there: a disk that is not mounted must not be written around. */
  readonly path: string;
  /** A network disk that hangs is given up after this. */
  readonly stallTimeoutMs: number;
  readonly clock?: Clock;
}

/** Copies as files of a directory: written under another name, synced, renamed, the directory synced. */
export class DirectoryStore implements Store {
  readonly name: string;
  readonly #path: string;
  readonly #stallTimeoutMs: number;
  readonly #clock: Clock;

  constructor({ name, path, stallTimeoutMs, clock = systemClock }: DirectoryStoreSettings) {
    this.name = name;
    this.#path = path;
    this.#stallTimeoutMs = stallTimeoutMs;
    this.#clock = clock;
  }

  async put(name: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    requireObjectName(name);
    await this.#removeAbandoned(signal);
    const part = join(this.#path, `.${name}.${randomBytes(4).toString('hex')}.part`);
    try {
      const file = await this.#within(open(part, 'wx', 0o600), signal);
      try {
        for await (const piece of bytes) await this.#within(writeAll(file, piece), signal);
        await this.#within(file.sync(), signal);
      } finally {
        // A disk that hangs must not hold the close either.
        void file.close().catch(() => undefined);
      }
      await this.#within(rename(part, join(this.#path, name)), signal);
      await this.#syncDirectory(signal);
    } catch (thrown) {
      await this.#within(rm(part, { force: true }), AbortSignal.any([])).catch(() => undefined);
      throw thrown;
    }
  }

  async *get(
    name: string,
    offsetBytes: number,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    requireObjectName(name);
    const file = await this.#within(open(join(this.#path, name), 'r'), signal, name);
    try {
      for (let offset = offsetBytes; ; ) {
        const piece = Buffer.allocUnsafe(READ_BYTES);
        const { bytesRead } = await this.#within(file.read(piece, 0, READ_BYTES, offset), signal);
        if (bytesRead === 0) return;
        offset += bytesRead;
        yield piece.subarray(0, bytesRead);
      }
    } finally {
      void file.close().catch(() => undefined);
    }
  }

  async list(signal: AbortSignal): Promise<StoredObject[]> {
    const names = await this.#within(readdir(this.#path), signal);
    const found: StoredObject[] = [];
    for (const name of names.filter(isObjectName)) {
      const object = await this.head(name, signal);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  async head(name: string, signal: AbortSignal): Promise<StoredObject | undefined> {
    requireObjectName(name);
    try {
      const found = await this.#within(stat(join(this.#path, name)), signal, name);
      return found.isFile() ? { name, sizeBytes: found.size } : undefined;
    } catch (thrown) {
      if (thrown instanceof LockstepError && thrown.code === 'COPY_NOT_FOUND') return undefined;
      throw thrown;
    }
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    requireObjectName(name);
    await this.#within(rm(join(this.#path, name), { force: true }), signal);
    await this.#syncDirectory(signal);
  }

  async #syncDirectory(signal: AbortSignal): Promise<void> {
    const directory = await this.#within(open(this.#path, 'r'), signal);
    try {
      await this.#within(directory.sync(), signal);
    } finally {
      void directory.close().catch(() => undefined);
    }
  }

  /** What a coordinator left that was killed; also finds out whether the directory is there. */
  async #removeAbandoned(signal: AbortSignal): Promise<void> {
    const names = await this.#within(readdir(this.#path), signal);
    for (const part of names.filter((each) => /^\..+\.[0-9a-f]{8}\.part$/.test(each))) {
      const path = join(this.#path, part);
      const { mtimeMs } = await this.#within(stat(path), signal).catch(() => ({ mtimeMs: Infinity }));
      if (this.#clock.nowMs() - mtimeMs > PART_ABANDONED_MS) {
        await this.#within(rm(path, { force: true }), signal);
      }
    }
  }

  async #within<Value>(value: Promise<Value>, signal: AbortSignal, name?: string): Promise<Value> {
    const limit = {
      timeoutMs: this.#stallTimeoutMs,
      clock: this.#clock,
      error: () =>
        new LockstepError('STORE_UNREACHABLE', {
          message: `The directory ${this.#path} of store ${this.name} did not answer for ${this.#stallTimeoutMs / 1000} s.`,
        }),
    };
    try {
      return await within(value, limit, signal);
    } catch (thrown) {
      throw await this.#translate(thrown, name);
    }
  }

  async #translate(thrown: unknown, name: string | undefined): Promise<unknown> {
    const { code } = thrown as NodeJS.ErrnoException;
    const where = `${this.#path} of store ${this.name}`;
    switch (code) {
      case 'ENOENT': {
        const isThere = await stat(this.#path).then(
          (found) => found.isDirectory(),
          () => false,
        );
        if (!isThere) return failure('STORE_MISSING', `There is no directory ${where}.`, thrown);
        return failure('COPY_NOT_FOUND', `Store ${this.name} has no ${name ?? 'such file'}.`, thrown);
      }
      case 'ENOTDIR':
        return failure('STORE_MISSING', `${where} is no directory.`, thrown);
      case 'EACCES':
      case 'EPERM':
      case 'EROFS':
        return failure('STORE_DENIED', `${where} does not let the coordinator in (${code}).`, thrown);
      case 'ENOSPC':
      case 'EDQUOT':
        return failure('STORE_FULL', `No space left in ${where}.`, thrown);
      case undefined:
        return thrown;
      default:
        return thrown instanceof LockstepError
          ? thrown
          : failure('STORE_FAILED', `${where}: ${code}.`, thrown);
    }
  }
}

function failure(
  code: 'STORE_MISSING' | 'STORE_DENIED' | 'STORE_FULL' | 'STORE_FAILED' | 'COPY_NOT_FOUND',
  message: string,
  cause: unknown,
): LockstepError {
  return new LockstepError(code, { message, cause });
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await file.write(bytes, written)).bytesWritten;
  }
}

import { type Clock, systemClock } from '@lockstep/shared/clock.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { unlessSilent, within } from '@lockstep/shared/silence.ts';
import type { S3Config } from '../../config-stores.ts';
import type { Store, StoredObject } from '../../runner/ports.ts';
import { isObjectName, requireObjectName } from './names.ts';
import { connectS3, type S3Connection } from './s3-client.ts';
import { fromS3 } from './s3-failures.ts';
import { abortAbandoned, upload } from './s3-upload.ts';

/** A download goes on where it was cut, so often without a byte between. */
const MAX_RESUMES = 3;
/** A thousand names a page; more snapshots than that are not in a store of ours. */
const MAX_PAGES = 100;
/** A request has this many times the stall timeout, all of the SDK's attempts together. */
const STALLS_PER_REQUEST = 5;
/** What marks of a snapshot are is changed all the time, so no lock is put on them. */
const NEVER_LOCKED = /\.marks\.json$/;

export interface S3StoreSettings extends S3Config {
  readonly name: string;
  readonly stallTimeoutMs: number;
  readonly clock?: Clock;
}

/** Copies as objects of a bucket. S3 shows an object once it is whole, so nothing half is ever listed. */
export class S3Store implements Store {
  readonly name: string;
  readonly #config: S3StoreSettings;
  readonly #clock: Clock;
  #connection: Promise<S3Connection> | undefined;

  constructor(settings: S3StoreSettings) {
    this.name = settings.name;
    this.#config = settings;
    this.#clock = settings.clock ?? systemClock;
  }

  async put(name: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const connection = await this.#connect();
    const nowMs = (): number => this.#clock.nowMs();
    await abortAbandoned(
      connection,
      this.#config,
      nowMs(),
      this.#clock.deadline(this.#config.stallTimeoutMs, signal),
    );
    const target = {
      connection,
      config: this.#config,
      key: this.#key(name),
      locked: this.#config.lock !== undefined && !NEVER_LOCKED.test(name),
      where: this.#where,
      nowMs,
      requestTimeoutMs: this.#config.stallTimeoutMs * STALLS_PER_REQUEST,
    };
    let sizeBytes = 0;
    async function* counted(): AsyncGenerator<Uint8Array, void, undefined> {
      for await (const piece of bytes) {
        sizeBytes += piece.length;
        yield piece;
      }
    }
    await upload(target, counted(), signal);
    const found = await this.head(name, signal);
    if (found?.sizeBytes !== sizeBytes) {
      throw new LockstepError('STORE_ALTERED', {
        message: `${this.#where} has ${found?.sizeBytes ?? 0} bytes of ${name}; ${sizeBytes} were sent.`,
      });
    }
  }

  async *get(
    name: string,
    offsetBytes: number,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let offset = offsetBytes;
    let etag: string | undefined;
    let total: number | undefined;
    for (let fruitless = 0; total === undefined || offset < total; ) {
      const before = offset;
      try {
        const opened = await this.#open(name, offset, etag, signal);
        if (opened === undefined) return;
        etag = opened.etag;
        total = opened.totalBytes;
        for await (const piece of unlessSilent(opened.body, this.#silence(), signal)) {
          fruitless = 0;
          offset += piece.length;
          yield piece;
        }
        if (offset === before && offset < total) throw this.#cut(name, offset);
      } catch (thrown) {
        signal.throwIfAborted();
        const error = fromS3(thrown, this.#where);
        fruitless += 1;
        if (error.code !== 'STORE_UNREACHABLE' || fruitless > MAX_RESUMES) throw error;
      }
    }
  }

  async list(signal: AbortSignal): Promise<StoredObject[]> {
    const { bucket, prefix } = this.#config;
    const found: StoredObject[] = [];
    let token: string | undefined;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const { Contents = [], NextContinuationToken } = await this.#send(
        ({ sdk, client }, abortSignal) =>
          client.send(
            new sdk.ListObjectsV2Command({
              Bucket: bucket,
              Prefix: prefix,
              ...(token === undefined ? {} : { ContinuationToken: token }),
            }),
            { abortSignal },
          ),
        signal,
      );
      for (const { Key = '', Size = 0 } of Contents) {
        const name = Key.slice(prefix.length);
        if (isObjectName(name)) found.push({ name, sizeBytes: Size });
      }
      token = NextContinuationToken;
      if (token === undefined) return found;
    }
    throw new LockstepError('STORE_FAILED', {
      message: `${this.#where} lists more than ${MAX_PAGES} pages.`,
    });
  }

  async head(name: string, signal: AbortSignal): Promise<StoredObject | undefined> {
    return (await this.#look(name, signal))?.object;
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    const found = await this.#look(name, signal);
    if (found === undefined) return;
    // A bucket with locks would hide it and keep it: that is not deleted, so it is not said to be.
    if (found.lockedUntilMs > this.#clock.nowMs()) {
      throw new LockstepError('COPY_LOCKED', {
        message: `${name} in ${this.#where} is locked until ${new Date(found.lockedUntilMs).toISOString()}.`,
      });
    }
    await this.#send(
      ({ sdk, client }, abortSignal) =>
        client.send(new sdk.DeleteObjectCommand({ Bucket: this.#config.bucket, Key: this.#key(name) }), {
          abortSignal,
        }),
      signal,
    );
  }

  async #look(
    name: string,
    signal: AbortSignal,
  ): Promise<{ object: StoredObject; lockedUntilMs: number } | undefined> {
    try {
      const { ContentLength = 0, ObjectLockRetainUntilDate } = await this.#send(
        ({ sdk, client }, abortSignal) =>
          client.send(new sdk.HeadObjectCommand({ Bucket: this.#config.bucket, Key: this.#key(name) }), {
            abortSignal,
          }),
        signal,
      );
      return {
        object: { name, sizeBytes: ContentLength },
        lockedUntilMs: ObjectLockRetainUntilDate?.getTime() ?? 0,
      };
    } catch (thrown) {
      if (!(thrown instanceof LockstepError) || thrown.code !== 'COPY_NOT_FOUND') throw thrown;
      return undefined;
    }
  }

  /** Undefined where nothing lies beyond the offset. */
  async #open(
    name: string,
    offset: number,
    etag: string | undefined,
    signal: AbortSignal,
  ): Promise<{ body: AsyncIterable<Uint8Array>; etag: string | undefined; totalBytes: number } | undefined> {
    const answer = await this.#send(
      ({ sdk, client }, abortSignal) =>
        client.send(
          new sdk.GetObjectCommand({
            Bucket: this.#config.bucket,
            Key: this.#key(name),
            ...(offset > 0 ? { Range: `bytes=${offset}-` } : {}),
            // What is put in its place meanwhile is another copy.
            ...(etag === undefined ? {} : { IfMatch: etag }),
          }),
          { abortSignal },
        ),
      signal,
    ).catch((thrown: unknown) => {
      if (thrown instanceof LockstepError && thrown.message.includes('InvalidRange')) return undefined;
      throw thrown;
    });
    if (answer === undefined) return undefined;
    const body = answer.Body as AsyncIterable<Uint8Array> | undefined;
    if (body === undefined) throw new LockstepError('STORE_FAILED', { message: `${this.#where}: no bytes.` });
    return { body, etag: answer.ETag, totalBytes: offset + (answer.ContentLength ?? 0) };
  }

  /** One request with its deadline; whatever it throws is one of ours. */
  async #send<Result>(
    ask: (connection: S3Connection, abortSignal: AbortSignal) => Promise<Result>,
    signal: AbortSignal,
  ): Promise<Result> {
    const ended = new AbortController();
    try {
      const connection = await this.#connect();
      return await within(
        ask(connection, AbortSignal.any([signal, ended.signal])),
        this.#silence(STALLS_PER_REQUEST),
        signal,
      );
    } catch (thrown) {
      ended.abort();
      signal.throwIfAborted();
      throw fromS3(thrown, this.#where);
    }
  }

  #connect(): Promise<S3Connection> {
    this.#connection ??= connectS3(this.#config, this.#config.stallTimeoutMs).catch((thrown: unknown) => {
      this.#connection = undefined;
      throw fromS3(thrown, this.#where);
    });
    return this.#connection;
  }

  #key(name: string): string {
    requireObjectName(name);
    return `${this.#config.prefix}${name}`;
  }

  #silence(stalls = 1) {
    const timeoutMs = this.#config.stallTimeoutMs * stalls;
    return {
      timeoutMs,
      clock: this.#clock,
      error: () =>
        new LockstepError('STORE_UNREACHABLE', {
          message: `${this.#where} made no progress for ${timeoutMs / 1000} s.`,
        }),
    };
  }

  #cut(name: string, offset: number): LockstepError {
    return new LockstepError('STORE_UNREACHABLE', {
      message: `${this.#where} ended ${name} at byte ${offset}.`,
    });
  }

  get #where(): string {
    return `store ${this.name} (bucket ${this.#config.bucket})`;
  }
}

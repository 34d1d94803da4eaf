import { type KV, type NatsConnection, NatsError, StorageType } from 'nats';
import { LockstepError } from '../errors/lockstep-error.ts';

/** What waits longer for NATS than this has not been answered. */
const ANSWER_TIMEOUT_MS = 2_000;
/** JetStream's code for "the last sequence of this subject is another". */
const WRONG_LAST_SEQUENCE = 10_071;

export interface SharedValuePlace {
  /** A JetStream key-value bucket; made where it is not there. */
  readonly bucket: string;
  readonly key: string;
  /** Who does not replace the value for so long leaves none. */
  readonly ttlMs: number;
}

export interface SeenValue {
  /** Undefined where there is none. */
  readonly data: Uint8Array | undefined;
  /** 0 where there is none. */
  readonly revision: number;
}

/** One value in JetStream that is only ever replaced by who saw what was there. */
export class SharedValue {
  readonly #place: SharedValuePlace;
  readonly #replicas: number;
  readonly #connection: () => NatsConnection;
  #made = false;

  constructor(place: SharedValuePlace, replicas: number, connection: () => NatsConnection) {
    this.#place = place;
    this.#replicas = replicas;
    this.#connection = connection;
  }

  /** What there was at some moment since the call. Throws UNREACHABLE. */
  async read(): Promise<SeenValue> {
    return await this.#ask('was not read', async (bucket) => {
      const entry = await bucket.get(this.#place.key);
      if (entry === null || entry.operation !== 'PUT') return { data: undefined, revision: 0 };
      return { data: entry.value, revision: entry.revision };
    });
  }

  /**
   * Writes where the revision is still the expected one, 0 where there is none. Answers with the
   * new revision, undefined where it was another. Throws UNREACHABLE: it may have been written then.
   */
  async replace(data: Uint8Array, expectedRevision: number): Promise<number | undefined> {
    return await this.#ask('was not written', async (bucket) => {
      try {
        return await bucket.put(this.#place.key, data, { previousSeq: expectedRevision });
      } catch (thrown) {
        if (thrown instanceof NatsError && thrown.api_error?.err_code === WRONG_LAST_SEQUENCE) {
          return undefined;
        }
        throw thrown;
      }
    });
  }

  async #ask<Result>(words: string, ask: (bucket: KV) => Promise<Result>): Promise<Result> {
    const connection = this.#connection();
    const { bucket, key, ttlMs } = this.#place;
    try {
      const { views } = connection.jetstream({ timeout: ANSWER_TIMEOUT_MS, checkAPI: false });
      const kv = await views.kv(
        bucket,
        this.#made
          ? { bindOnly: true, allow_direct: false }
          : {
              storage: StorageType.File,
              history: 1,
              ttl: ttlMs,
              replicas: this.#replicas,
              // Answered by the stream's leader: a follower may not have heard of the last write.
              allow_direct: false,
            },
      );
      this.#made = true;
      return await ask(kv);
    } catch (cause) {
      // The bucket may have been lost with its servers: looked for again next time.
      this.#made = false;
      throw new LockstepError('UNREACHABLE', { message: `${bucket}/${key} ${words} in NATS.`, cause });
    }
  }
}

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Etcd3, type IKeyValue, type IOptions, type IRequestOp, type IWatchResponse } from 'etcd3';
import type { StoredObject } from './watch-cache.ts';

/**
 * The stand-in's only door to etcd, and the only module that knows the npm package `etcd3`. What of
 * that package is not used, and why: its watcher (a reconnect takes its place from the new header,
 * so events between are lost, and a rewound store goes unnoticed) and its circuit breaker (half open
 * only after five seconds, which would be added to every outage measured here).
 */
export interface StoreOptions {
  /** `https://127.0.0.1:2379`, … */
  readonly servers: readonly string[];
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export interface WatchHandlers {
  /** Changes of one response, in the order of their revisions. */
  onChanges(changes: readonly StoreChange[], revision: bigint): void;
  /** The revision to go on from is compacted away: list again. */
  onCompacted(): void;
}

export type StoreChange =
  | { readonly kind: 'put'; readonly object: StoredObject }
  | { readonly kind: 'delete'; readonly key: string; readonly revision: bigint };

export interface StorePage {
  readonly objects: readonly StoredObject[];
  readonly revision: bigint;
  readonly more: boolean;
}

/** Of every call that is no stream. Longer than etcd's own limit for a write without quorum (7 s). */
const CALL_TIMEOUT_MS = 8_000;
const WATCH_RETRY_MS = 100;
/** Keys per page: with objects of the usual size a page is a few MB. */
const PAGE_KEYS = 500;
const FIRST_KEY = Buffer.from([0]);

export class EtcdStore implements Disposable {
  private readonly client: Etcd3;

  constructor(options: StoreOptions) {
    const credentials =
      options.caFile === undefined
        ? undefined
        : {
            rootCertificate: readFileSync(options.caFile),
            ...(options.certFile !== undefined && options.keyFile !== undefined
              ? { certChain: readFileSync(options.certFile), privateKey: readFileSync(options.keyFile) }
              : {}),
          };
    this.client = new Etcd3({
      hosts: [...options.servers],
      ...(credentials === undefined ? {} : { credentials }),
      grpcOptions: {
        'grpc.max_receive_message_length': -1,
        'grpc.max_send_message_length': -1,
        'grpc.initial_reconnect_backoff_ms': 50,
        'grpc.max_reconnect_backoff_ms': 200,
      },
      faultHandling: { host: () => TRY_ONCE, global: TRY_ONCE },
      defaultCallOptions: (call) => (call.isStream ? {} : { deadline: Date.now() + CALL_TIMEOUT_MS }),
    });
  }

  /** The head's revision, agreed by a quorum. Rejects where etcd does not answer. */
  async revision(timeoutMs: number = CALL_TIMEOUT_MS): Promise<bigint> {
    const response = await this.client.kv.range(
      { key: Buffer.from('/registry/health'), limit: 1, keys_only: true },
      { deadline: Date.now() + timeoutMs },
    );
    return BigInt(response.header.revision);
  }

  async get(key: string): Promise<{ object: StoredObject | undefined; revision: bigint }> {
    const response = await this.client.kv.range({ key: Buffer.from(key) });
    const [kv] = response.kvs;
    return {
      object: kv === undefined ? undefined : toStoredObject(kv),
      revision: BigInt(response.header.revision),
    };
  }

  /** One page of a prefix, keys after `after`; `revision` 0n is the head. Rejects with `isCompacted` where it is gone. */
  async page(
    prefix: string,
    after: string | undefined,
    revision: bigint,
    limit = PAGE_KEYS,
  ): Promise<StorePage> {
    const start = after === undefined ? Buffer.from(prefix) : Buffer.concat([Buffer.from(after), FIRST_KEY]);
    const response = await this.client.kv.range({
      key: prefix === '' && after === undefined ? FIRST_KEY : start,
      range_end: prefixEnd(prefix),
      limit,
      revision: revision.toString(),
    });
    return {
      objects: response.kvs.map(toStoredObject),
      revision: BigInt(response.header.revision),
      more: response.more,
    };
  }

  /** Everything under a prefix, at one revision. */
  async list(prefix: string, atRevision = 0n): Promise<{ objects: StoredObject[]; revision: bigint }> {
    const objects: StoredObject[] = [];
    let revision = atRevision;
    let after: string | undefined;
    for (;;) {
      const page = await this.page(prefix, after, revision);
      if (revision === 0n) revision = page.revision;
      objects.push(...page.objects);
      after = page.objects.at(-1)?.key;
      if (!page.more || after === undefined) return { objects, revision };
    }
  }

  /** Puts a key that must not exist. Undefined where it does. */
  create(key: string, value: Uint8Array, leaseId = '0'): Promise<bigint | undefined> {
    return this.putIf(key, value, 0n, leaseId);
  }

  /** Puts a key that must still be at `modRevision`. Undefined where it is not. */
  async putIf(
    key: string,
    value: Uint8Array,
    modRevision: bigint,
    leaseId = '0',
  ): Promise<bigint | undefined> {
    return this.swapIf(key, modRevision, {
      request_put: { key: Buffer.from(key), value: Buffer.from(value), lease: leaseId },
    });
  }

  async deleteIf(key: string, modRevision: bigint): Promise<bigint | undefined> {
    return this.swapIf(key, modRevision, { request_delete_range: { key: Buffer.from(key) } });
  }

  async put(key: string, value: Uint8Array, leaseId = '0'): Promise<bigint> {
    const response = await this.client.kv.put({
      key: Buffer.from(key),
      value: Buffer.from(value),
      lease: leaseId,
    });
    return BigInt(response.header.revision);
  }

  /** Many puts in one transaction; etcd's default limit is 128 operations and 1.5 MiB. */
  async putAll(entries: readonly { readonly key: string; readonly value: Uint8Array }[]): Promise<bigint> {
    const response = await this.client.kv.txn({
      success: entries.map(({ key, value }) => ({
        request_put: { key: Buffer.from(key), value: Buffer.from(value) },
      })),
    });
    return BigInt(response.header.revision);
  }

  async deleteAll(keys: readonly string[]): Promise<bigint> {
    const response = await this.client.kv.txn({
      success: keys.map((key) => ({ request_delete_range: { key: Buffer.from(key) } })),
    });
    return BigInt(response.header.revision);
  }

  async grantLease(ttlSeconds: number): Promise<string> {
    const response = await this.client.leaseClient.leaseGrant({ TTL: ttlSeconds });
    return response.ID;
  }

  async revokeLease(leaseId: string): Promise<void> {
    await this.client.leaseClient.leaseRevoke({ ID: leaseId });
  }

  async compact(revision: bigint): Promise<void> {
    await this.client.kv.compact({ revision: revision.toString() });
  }

  /**
   * Every change of the whole store from `fromRevision` on, until the signal. A broken stream is
   * taken up at the revision after the last one seen, as upstream's client does: over a store that
   * was rewound meanwhile it waits in silence.
   */
  async watch(fromRevision: bigint, handlers: WatchHandlers, signal: AbortSignal): Promise<void> {
    let next = fromRevision;
    while (!signal.aborted) {
      const ended = await this.watchOnce(
        next,
        (response) => {
          // A watcher that catches up gets its events in batches whose header already has the head's
          // revision: the last event is how far it has really come.
          const changes = response.events.map(toChange);
          const last = changes.at(-1);
          const seen = last === undefined ? BigInt(response.header.revision) : revisionOf(last);
          next = seen + 1n;
          handlers.onChanges(changes, seen);
        },
        signal,
      );
      if (ended === 'compacted') {
        handlers.onCompacted();
        return;
      }
      await delay(WATCH_RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  [Symbol.dispose](): void {
    this.client.close();
  }

  private async swapIf(key: string, modRevision: bigint, operation: IRequestOp): Promise<bigint | undefined> {
    const response = await this.client.kv.txn({
      compare: [
        { key: Buffer.from(key), target: 'Mod', result: 'Equal', mod_revision: modRevision.toString() },
      ],
      success: [operation],
    });
    return response.succeeded ? BigInt(response.header.revision) : undefined;
  }

  private async watchOnce(
    fromRevision: bigint,
    onResponse: (response: IWatchResponse) => void,
    signal: AbortSignal,
  ): Promise<'broken' | 'compacted'> {
    const { promise, resolve } = Promise.withResolvers<'broken' | 'compacted'>();
    const stream = await this.client.watchClient.watch().catch(() => undefined);
    if (stream === undefined) return 'broken';
    const stop = (): void => {
      stream.cancel();
      resolve('broken');
    };
    signal.addEventListener('abort', stop, { once: true });
    stream.on('data', (response) => {
      if (response.canceled) {
        stream.cancel();
        resolve(Number(response.compact_revision) > 0 ? 'compacted' : 'broken');
        return;
      }
      if (!response.created) onResponse(response);
    });
    stream.on('error', () => resolve('broken'));
    stream.on('end', () => resolve('broken'));
    stream.write({
      create_request: { key: FIRST_KEY, range_end: FIRST_KEY, start_revision: fromRevision.toString() },
    });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}

/** True of the error of a read at a revision that is compacted away. */
export function isCompacted(error: unknown): boolean {
  return error instanceof Error && error.message.includes('required revision has been compacted');
}

/** True of the error of a read at a revision that the store has not reached. */
export function isFutureRevision(error: unknown): boolean {
  return error instanceof Error && error.message.includes('required revision is a future revision');
}

/** The policy that adds nothing: one attempt, at once. */
const TRY_ONCE = {
  execute: async (attempt: (context: { signal: AbortSignal }) => unknown) =>
    attempt({ signal: new AbortController().signal }),
  onSuccess: () => ({ dispose: () => undefined }),
  onFailure: () => ({ dispose: () => undefined }),
} as unknown as NonNullable<NonNullable<IOptions['faultHandling']>['global']>;

function toStoredObject(kv: IKeyValue): StoredObject {
  return {
    key: kv.key.toString('utf8'),
    value: kv.value,
    createRevision: BigInt(kv.create_revision),
    modRevision: BigInt(kv.mod_revision),
  };
}

function revisionOf(change: StoreChange): bigint {
  return change.kind === 'put' ? change.object.modRevision : change.revision;
}

function toChange(event: IWatchResponse['events'][number]): StoreChange {
  return event.type.toLowerCase() === 'delete'
    ? { kind: 'delete', key: event.kv.key.toString('utf8'), revision: BigInt(event.kv.mod_revision) }
    : { kind: 'put', object: toStoredObject(event.kv) };
}

/** The first key after all keys with the prefix; `\0` means "to the end" for the empty prefix. */
function prefixEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  for (let index = end.length - 1; index >= 0; index -= 1) {
    const byte = end[index] ?? 0;
    if (byte < 0xff) {
      end[index] = byte + 1;
      return end.subarray(0, index + 1);
    }
  }
  return FIRST_KEY;
}

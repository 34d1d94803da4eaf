import { Client, Metadata, type MethodDefinition } from '@grpc/grpc-js';

import { LockstepError } from '../errors/lockstep-error.ts';
import {
  AlarmRequest_AlarmAction,
  AlarmType,
  AuthService,
  ClusterService,
  type DeleteRangeResponse,
  type HashKVResponse,
  KVService,
  LeaseService,
  MaintenanceService,
  type Member,
  type PutResponse,
  RangeRequest,
  type RangeResponse,
  type StatusResponse,
  type TxnRequest,
  type TxnResponse,
} from '../generated/etcd/etcdserverpb/rpc.ts';
import { type EtcdEndpoint, etcdChannel } from './channel.ts';
import { etcdError, isUnimplemented } from './errors.ts';
import { prefixEnd } from './keys.ts';
import { SnapshotStream } from './snapshot-stream.ts';

/** Keys of one page when a prefix is listed. */
const PAGE_KEYS = 2_000n;
/** Of the SHA-256 that ends a snapshot stream. */
const TRAILER_BYTES = 32;
/** A server whose disk fails may send empty blobs for ever: that is no progress. */
const SNAPSHOT_STALL_MS = 30_000;

export interface KeyAndRevision {
  readonly key: Uint8Array;
  readonly modRevision: bigint;
}

/**
 * A client of one etcd member. It speaks to that member alone: what it is told is that member's
 * view. Calls reject with ETCD_UNREACHABLE or ETCD_REFUSED and end with their signal.
 */
export class EtcdClient {
  readonly url: string;
  readonly #endpoint: EtcdEndpoint;
  readonly #client: Client;

  constructor(endpoint: EtcdEndpoint) {
    this.url = endpoint.url;
    this.#endpoint = endpoint;
    const channel = etcdChannel(endpoint);
    this.#client = new Client(channel.target, channel.credentials, channel.options);
  }

  close(): void {
    this.#client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  range(request: Partial<RangeRequest>, signal: AbortSignal): Promise<RangeResponse> {
    const whole = RangeRequest.create(request);
    return this.#call(KVService.range, whole, signal);
  }

  put(key: Uint8Array, value: Uint8Array, signal: AbortSignal, leaseId = 0n): Promise<PutResponse> {
    const request = {
      key: Buffer.from(key),
      value: Buffer.from(value),
      lease: leaseId,
      prevKv: false,
      ignoreValue: false,
      ignoreLease: false,
    };
    return this.#call(KVService.put, request, signal);
  }

  /** Deletes one key, or all from `key` to before `rangeEnd`. */
  deleteRange(key: Uint8Array, signal: AbortSignal, rangeEnd?: Uint8Array): Promise<DeleteRangeResponse> {
    const request = {
      key: Buffer.from(key),
      rangeEnd: Buffer.from(rangeEnd ?? new Uint8Array()),
      prevKv: false,
    };
    return this.#call(KVService.deleteRange, request, signal);
  }

  txn(request: TxnRequest, signal: AbortSignal): Promise<TxnResponse> {
    return this.#call(KVService.txn, request, signal);
  }

  compact(revision: bigint, physical: boolean, signal: AbortSignal): Promise<unknown> {
    return this.#call(KVService.compact, { revision, physical }, signal);
  }

  /** `ttlSeconds` is etcd's own unit. Resolves to the lease's id. */
  async grantLease(ttlSeconds: bigint, signal: AbortSignal): Promise<bigint> {
    const request = { TTL: ttlSeconds, ID: 0n };
    const granted = await this.#call(LeaseService.leaseGrant, request, signal);
    return granted.ID;
  }

  async members(signal: AbortSignal): Promise<Member[]> {
    const request = { linearizable: false };
    const list = await this.#call(ClusterService.memberList, request, signal);
    return list.members;
  }

  async addLearner(peerUrls: readonly string[], signal: AbortSignal): Promise<Member | undefined> {
    const request = { peerURLs: [...peerUrls], isLearner: true };
    return (await this.#call(ClusterService.memberAdd, request, signal)).member;
  }

  /** Refused by etcd until the learner has caught up with the leader. */
  async promoteMember(memberId: bigint, signal: AbortSignal): Promise<void> {
    await this.#call(ClusterService.memberPromote, { ID: memberId }, signal);
  }

  async removeMember(memberId: bigint, signal: AbortSignal): Promise<void> {
    await this.#call(ClusterService.memberRemove, { ID: memberId }, signal);
  }

  status(signal: AbortSignal): Promise<StatusResponse> {
    return this.#call(MaintenanceService.status, {}, signal);
  }

  /** Hash of the key space up to `revision`, as this member has it; 0 asks for its newest. */
  hashKv(revision: bigint, signal: AbortSignal): Promise<HashKVResponse> {
    return this.#call(MaintenanceService.hashKv, { revision }, signal);
  }

  async alarms(signal: AbortSignal): Promise<{ memberId: bigint; alarm: AlarmType }[]> {
    const request = { action: AlarmRequest_AlarmAction.GET, memberID: 0n, alarm: AlarmType.NONE };
    const answer = await this.#call(MaintenanceService.alarm, request, signal);
    return answer.alarms.map((one) => ({ memberId: one.memberID, alarm: one.alarm }));
  }

  async disarm(memberId: bigint, alarm: AlarmType, signal: AbortSignal): Promise<void> {
    const request = { action: AlarmRequest_AlarmAction.DEACTIVATE, memberID: memberId, alarm };
    await this.#call(MaintenanceService.alarm, request, signal);
  }

  /** etcd's own authentication. A 3.4 member cannot be asked: undefined. */
  async authEnabled(signal: AbortSignal): Promise<boolean | undefined> {
    try {
      const answer = await this.#call(AuthService.authStatus, {}, signal);
      return answer.enabled;
    } catch (thrown) {
      if (isUnimplemented(thrown)) return undefined;
      throw thrown;
    }
  }

  /** Keys under a prefix with the revision of their last change, all as of one revision: the newest, or `at`. */
  async *listKeys(prefix: Uint8Array, signal: AbortSignal, at = 0n): AsyncGenerator<KeyAndRevision> {
    const rangeEnd = Buffer.from(prefixEnd(prefix));
    let key = Buffer.from(prefix);
    let revision = at;
    for (;;) {
      const page = await this.range(
        { key, rangeEnd, limit: PAGE_KEYS, keysOnly: true, serializable: true, revision },
        signal,
      );
      for (const one of page.kvs) yield { key: one.key, modRevision: one.modRevision };
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) return;
      // The first page's revision is held for the rest, so that no key is seen twice or not at all.
      if (revision === 0n) revision = page.header?.revision ?? 0n;
      key = Buffer.concat([last.key, Buffer.of(0)]);
    }
  }

  async get(key: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const { kvs } = await this.range({ key: Buffer.from(key), serializable: true }, signal);
    return kvs[0]?.value;
  }

  /**
   * The whole store as etcd sends it: the file's bytes, then its SHA-256. Ends without an error
   * only if as many bytes came as the first message promised.
   */
  async *snapshot(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    if (signal.aborted) throw etcdError(this.url, 'Snapshot', signal.reason, signal);
    using stream = new SnapshotStream(this.#endpoint);
    using watchdog = new StreamWatchdog(stream, SNAPSHOT_STALL_MS, signal);
    let received = 0n;
    try {
      for await (const bytes of stream) {
        if (bytes.length === 0) continue;
        watchdog.progressed();
        received += BigInt(bytes.length);
        yield bytes;
        watchdog.progressed();
      }
    } catch (thrown) {
      throw watchdog.stalled
        ? new LockstepError('SAVE_FAILED', {
            message: `${this.url} sent nothing of the snapshot for ${SNAPSHOT_STALL_MS} ms.`,
            cause: thrown,
          })
        : etcdError(this.url, 'Snapshot', thrown, signal);
    }
    const promised = stream.promisedBytes;
    if (promised === undefined || received !== promised + BigInt(TRAILER_BYTES)) {
      throw new LockstepError('SAVE_FAILED', {
        message: `${this.url} ended the snapshot after ${received} of ${promised ?? '?'} bytes and its trailer.`,
      });
    }
  }

  async #call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    signal: AbortSignal,
  ): Promise<Response> {
    const name = method.path.slice(method.path.lastIndexOf('/') + 1);
    if (signal.aborted) throw etcdError(this.url, name, signal.reason, signal);
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const call = this.#client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      new Metadata(),
      {},
      (error, response) => {
        if (error === null && response !== undefined) resolve(response);
        else reject(error ?? new Error('an empty answer'));
      },
    );
    const cancel = (): void => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await promise;
    } catch (thrown) {
      throw etcdError(this.url, name, thrown, signal);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }
}

/** Cancels a stream when its caller's signal comes, when nothing has moved for too long, or at its end. */
class StreamWatchdog {
  stalled = false;
  readonly #signal: AbortSignal;
  readonly #cancel: () => void;
  readonly #timer: NodeJS.Timeout;

  constructor(stream: SnapshotStream, stallMs: number, signal: AbortSignal) {
    this.#signal = signal;
    this.#cancel = () => stream.cancel();
    this.#timer = setTimeout(() => {
      this.stalled = true;
      stream.cancel();
    }, stallMs);
    signal.addEventListener('abort', this.#cancel, { once: true });
    if (signal.aborted) stream.cancel();
  }

  progressed(): void {
    this.#timer.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this.#cancel);
  }
}

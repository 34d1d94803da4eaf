import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { EtcdEndpoint } from '@lockstep/shared/etcd/channel.ts';
import { EtcdClient, type KeyAndRevision } from '@lockstep/shared/etcd/client.ts';
import { prefixEnd } from '@lockstep/shared/etcd/keys.ts';
import { AlarmType, type Member } from '@lockstep/shared/generated/etcd/etcdserverpb/rpc.ts';
import type { EtcdMember } from '@lockstep/shared/generated/lockstep/v1/node.ts';

import type { PlaceCure } from '@lockstep/shared/generated/lockstep/v1/plan.ts';

import type { LocalMember, MemberObservation, Membership } from '../ports.ts';

/** Where the member answers and who asks; read anew when a connection is made, so that rotated files count. */
export interface MemberEndpoint {
  endpoint(signal: AbortSignal): Promise<EtcdEndpoint>;
}

/** Outside what API servers list. */
const CANARY_PREFIX = '/lockstep.io/canary/';
/** The first key that could be: reading it costs nothing, there or not. */
const AUTH_PROBE_KEY = Buffer.of(0);

/** The member on this node, over its own API. */
export class EtcdLocalMember implements LocalMember, Membership {
  readonly #where: MemberEndpoint;
  #client: EtcdClient | undefined;

  constructor(where: MemberEndpoint) {
    this.#where = where;
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  observe(signal: AbortSignal): Promise<MemberObservation> {
    return this.#with(signal, async (client) => {
      const [status, members, alarms] = await Promise.all([
        client.status(signal),
        client.members(signal),
        client.alarms(signal),
      ]);
      const header = status.header;
      if (header === undefined) {
        throw new LockstepError('ETCD_UNREACHABLE', { message: `${client.url} answered without a header.` });
      }
      return {
        memberId: hex(header.memberId),
        clusterId: hex(header.clusterId),
        revision: header.revision,
        leader: status.leader === header.memberId,
        learner: status.isLearner,
        version: status.version,
        dbSizeBytes: status.dbSize,
        raftIndex: status.raftIndex,
        members: members.map(describeMember),
        alarms: [...new Set(alarms.map(({ alarm }) => alarmName(alarm)))].sort(),
      };
    });
  }

  /** What a member says without asking the others: also where they have no quorum. */
  identify(signal: AbortSignal): Promise<{ clusterId: string; dbSizeBytes: bigint; version: string }> {
    return this.#with(signal, async (client) => {
      const { header, dbSize, version } = await client.status(signal);
      return { clusterId: header === undefined ? '' : hex(header.clusterId), dbSizeBytes: dbSize, version };
    });
  }

  hashKv(revision: bigint, signal: AbortSignal): Promise<{ hash: number; compactRevision: bigint }> {
    return this.#with(signal, async (client) => {
      const { hash, compactRevision } = await client.hashKv(revision, signal);
      return { hash, compactRevision };
    });
  }

  writeCanary(operationId: string, signal: AbortSignal): Promise<bigint> {
    return this.#with(signal, async (client) => {
      const key = Buffer.from(CANARY_PREFIX + operationId);
      const { header } = await client.put(key, Buffer.from(operationId), signal);
      await client.deleteRange(key, signal);
      return header?.revision ?? 0n;
    });
  }

  disarmAlarms(alarms: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#with(signal, async (client) => {
      for (const { memberId, alarm } of await client.alarms(signal)) {
        if (alarms.includes(alarmName(alarm))) await client.disarm(memberId, alarm, signal);
      }
    });
  }

  putCures(cures: readonly PlaceCure[], signal: AbortSignal): Promise<void> {
    return this.#with(signal, async (client) => {
      for (const { key, value } of cures) {
        if (value.length === 0) await client.deleteRange(key, signal);
        else await client.put(key, value, signal);
      }
    });
  }

  dropStaleMasterLeases(prefix: string, keep: readonly string[], signal: AbortSignal): Promise<string[]> {
    return this.#with(signal, async (client) => {
      const base = `${prefix.replace(/\/+$/u, '')}/masterleases/`;
      const dropped: string[] = [];
      for await (const { key } of client.listKeys(Buffer.from(base), signal)) {
        const name = Buffer.from(key).toString();
        const address = name.slice(base.length);
        if (keep.includes(address)) continue;
        await client.deleteRange(Buffer.from(key), signal);
        dropped.push(address);
      }
      return dropped;
    });
  }

  addLearner(peerUrls: readonly string[], signal: AbortSignal): Promise<string> {
    return this.#with(signal, async (client) => {
      const there = (await client.members(signal)).find((member) => sameUrls(member.peerURLs, peerUrls));
      const added = there ?? (await client.addLearner(peerUrls, signal));
      if (added === undefined) {
        throw new LockstepError('ETCD_REFUSED', { message: `${client.url} added a member without a word.` });
      }
      return hex(added.ID);
    });
  }

  promoteLearner(memberId: string, signal: AbortSignal): Promise<boolean> {
    return this.#with(signal, async (client) => {
      const member = (await client.members(signal)).find(({ ID }) => hex(ID) === memberId);
      if (member === undefined) {
        throw new LockstepError('ETCD_REFUSED', { message: `There is no member ${memberId} to promote.` });
      }
      if (!member.isLearner) return true;
      try {
        await client.promoteMember(member.ID, signal);
        return true;
      } catch (thrown) {
        if (thrown instanceof LockstepError && thrown.code === 'ETCD_REFUSED') return false;
        throw thrown;
      }
    });
  }

  isVoter(peerUrls: readonly string[], signal: AbortSignal): Promise<boolean> {
    return this.#with(signal, async (client) =>
      (await client.members(signal)).some(
        (member) => !member.isLearner && sameUrls(member.peerURLs, peerUrls),
      ),
    );
  }

  removeLearner(peerUrls: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#with(signal, async (client) => {
      const member = (await client.members(signal)).find(({ peerURLs }) => sameUrls(peerURLs, peerUrls));
      if (member === undefined) return;
      if (!member.isLearner) {
        throw new LockstepError('ALREADY_COMMITTED', {
          message: `The member ${hex(member.ID)} votes already.`,
        });
      }
      await client.removeMember(member.ID, signal);
    });
  }

  async *snapshot(signal: AbortSignal): AsyncIterable<Uint8Array> {
    const client = await this.#connection(signal);
    yield* client.snapshot(signal);
  }

  async *listKeys(prefix: string, signal: AbortSignal): AsyncIterable<KeyAndRevision> {
    const client = await this.#connection(signal);
    yield* client.listKeys(Buffer.from(prefix), signal);
  }

  getValue(key: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#with(signal, (client) => client.get(key, signal));
  }

  /**
   * Whether strangers are refused tells it as well: 3.5 and 3.6 do not even say to a stranger that
   * auth is on, and 3.4 cannot be asked.
   */
  authEnabled(signal: AbortSignal): Promise<boolean> {
    return this.#with(signal, async (client) => {
      try {
        const told = await client.authEnabled(signal);
        if (told !== undefined) return told;
        await client.range({ key: AUTH_PROBE_KEY, limit: 1n, serializable: true }, signal);
        return false;
      } catch (thrown) {
        if (thrown instanceof LockstepError && thrown.code === 'ETCD_REFUSED') return true;
        throw thrown;
      }
    });
  }

  /** Addresses of API servers that have announced themselves in this etcd. */
  apiServerAddresses(prefix: string, signal: AbortSignal): Promise<string[]> {
    return this.#with(signal, async (client) => {
      const base = Buffer.from(`${prefix.replace(/\/+$/u, '')}/masterleases/`);
      const { kvs } = await client.range(
        { key: base, rangeEnd: Buffer.from(prefixEnd(base)), keysOnly: true, serializable: true },
        signal,
      );
      return kvs.map(({ key }) => key.subarray(base.length).toString()).sort();
    });
  }

  /** A connection that failed is made anew: the certificates or the address may have changed meanwhile. */
  async #with<T>(signal: AbortSignal, use: (client: EtcdClient) => Promise<T>): Promise<T> {
    const client = await this.#connection(signal);
    try {
      return await use(client);
    } catch (thrown) {
      if (thrown instanceof LockstepError && thrown.code === 'ETCD_UNREACHABLE') this.close();
      throw thrown;
    }
  }

  async #connection(signal: AbortSignal): Promise<EtcdClient> {
    this.#client ??= new EtcdClient(await this.#where.endpoint(signal));
    return this.#client;
  }
}

function sameUrls(a: readonly string[], b: readonly string[]): boolean {
  return [...a].sort().join() === [...b].sort().join();
}

/** As etcd prints ids: hexadecimal without leading zeros. */
export function hex(id: bigint): string {
  return id.toString(16);
}

export function alarmName(alarm: AlarmType): string {
  return Object.entries(AlarmType).find(([, value]) => value === alarm)?.[0] ?? `ALARM_${alarm}`;
}

function describeMember(member: Member): EtcdMember {
  return {
    id: hex(member.ID),
    name: member.name,
    peerUrls: member.peerURLs,
    clientUrls: member.clientURLs,
    learner: member.isLearner,
  };
}

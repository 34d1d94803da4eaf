import type { Clock } from '@lockstep/shared/clock.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import type { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { prefixEnd } from '@lockstep/shared/etcd/keys.ts';

/** Longest that a server is given to come to rest after it said that it was ready. */
const SETTLE_TIMEOUT_MS = 10_000;
/** At rest: so long nothing was written. */
const QUIET_MS = 1_000;

export interface WrittenKey {
  /** UTF-8. */
  readonly key: string;
  readonly change: 'created' | 'changed' | 'deleted';
}

/**
 * What differs from the store as it was restored, at `since`, once nothing more is being written.
 * In order of key. Throws as `EtcdClient` does.
 */
export async function writtenSince(
  client: EtcdClient,
  { prefix, since }: { readonly prefix: string; readonly since: bigint },
  clock: Pick<Clock, 'delay' | 'monotonicMs'>,
  signal: AbortSignal,
): Promise<WrittenKey[]> {
  await settle(client, clock, deadline(SETTLE_TIMEOUT_MS * 2, signal));
  const key = Buffer.from(prefix);
  const all = { key, rangeEnd: Buffer.from(prefixEnd(key)), keysOnly: true, serializable: true };
  const written = await client.range({ ...all, minModRevision: since + 1n }, signal);
  const now = await client.range({ ...all, countOnly: true }, signal);
  const before = await client.range({ ...all, countOnly: true, revision: since }, signal);
  const created = written.kvs.filter(({ createRevision }) => createRevision > since);
  const deleted =
    before.count + BigInt(created.length) > now.count ? await deletedSince(client, key, since, signal) : [];
  return [
    ...written.kvs.map(
      (one): WrittenKey => ({
        key: Buffer.from(one.key).toString('utf8'),
        change: one.createRevision > since ? 'created' : 'changed',
      }),
    ),
    ...deleted.map((one): WrittenKey => ({ key: one, change: 'deleted' })),
  ].sort((a, b) => (a.key < b.key ? -1 : 1));
}

async function settle(
  client: EtcdClient,
  clock: Pick<Clock, 'delay' | 'monotonicMs'>,
  signal: AbortSignal,
): Promise<void> {
  const untilMs = clock.monotonicMs() + SETTLE_TIMEOUT_MS;
  let last = -1n;
  while (clock.monotonicMs() < untilMs) {
    const revision =
      (await client.range({ key: Buffer.of(0), countOnly: true }, signal)).header?.revision ?? 0n;
    if (revision === last) return;
    last = revision;
    await clock.delay(QUIET_MS, signal);
  }
}

/** Keys that were there at `since` and are not any more. */
async function deletedSince(
  client: EtcdClient,
  prefix: Buffer,
  since: bigint,
  signal: AbortSignal,
): Promise<string[]> {
  const now = new Set<string>();
  for await (const { key } of client.listKeys(prefix, signal)) now.add(Buffer.from(key).toString('latin1'));
  const gone: string[] = [];
  for await (const { key } of client.listKeys(prefix, signal, since)) {
    const latin1 = Buffer.from(key).toString('latin1');
    if (!now.has(latin1)) gone.push(Buffer.from(key).toString('utf8'));
  }
  return gone;
}

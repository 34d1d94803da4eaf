import { WireMessage } from '../kubernetes/wire.ts';
import type { Leaf } from '../snapshot/bbolt/page.ts';
import { SmallBuckets } from '../snapshot/small-buckets.ts';
import { leaseId } from './etcd-row.ts';
import type { Lease } from './evidence.ts';

const ALARMS: Readonly<Record<string, string>> = { 1: 'NOSPACE', 2: 'CORRUPT' };

/** What etcd keeps beside the keys, each lease and each alarm by name. */
export class EtcdBuckets {
  readonly small = new SmallBuckets();
  readonly leases: Lease[] = [];
  readonly alarms: string[] = [];

  /** Throws SNAPSHOT_CORRUPT. */
  leaf(bucket: string, leaf: Leaf): void {
    this.small.leaf(bucket, leaf);
    for (let index = 0; index < leaf.count; index++) {
      if (bucket === 'lease') this.#lease(leaf.key(index), leaf.value(index));
      else if (bucket === 'alarm') this.#alarm(leaf.key(index));
    }
  }

  /** leasepb.Lease: 1 id, 2 granted time to live. The name of the entry is the id again, in 8 bytes. */
  #lease(name: Buffer, value: Buffer): void {
    const message = WireMessage.parse(value);
    const id = message?.varint(1) ?? (name.length === 8 ? name.readBigUInt64BE() : 0n);
    this.leases.push({ id: leaseId(id), ttlSeconds: Number(BigInt.asIntN(64, message?.varint(2) ?? 0n)) });
  }

  /** The name of the entry is the AlarmMember: 1 member id, 2 kind. */
  #alarm(name: Buffer): void {
    const message = WireMessage.parse(name);
    const kind = message?.varint(2) ?? 0n;
    if (kind === 0n) return;
    const member = BigInt.asUintN(64, message?.varint(1) ?? 0n).toString(16);
    this.alarms.push(`${ALARMS[String(kind)] ?? `ALARM-${kind}`} at ${member}`);
  }
}

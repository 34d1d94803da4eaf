import type { SnapshotMember } from '../generated/lockstep/v1/snapshot.ts';
import { WireMessage } from '../kubernetes/wire.ts';
import { corrupt } from './bbolt/corrupt.ts';
import type { Leaf } from './bbolt/page.ts';
import { Revision } from './revision.ts';

/** A lease that lives shorter than this may expire while a restore runs. */
export const SHORT_LEASE_SECONDS = 300;

const ALARMS: Readonly<Record<string, string>> = { 1: 'NOSPACE', 2: 'CORRUPT' };

/** What etcd keeps beside the keys: one method per bucket, called for each of its leaves. */
export class SmallBuckets {
  storageVersion = '';
  clusterVersion = '';
  authEnabled = false;
  compactRevision = 0;
  scheduledCompactRevision = 0;
  consistentIndex = 0n;
  leaseCount = 0;
  shortLeaseCount = 0;
  readonly members: SnapshotMember[] = [];
  readonly #alarms = new Set<string>();

  get alarms(): string[] {
    return [...this.#alarms].sort();
  }

  leaf(bucket: string, leaf: Leaf): void {
    switch (bucket) {
      case 'meta':
        return each(leaf, (key, value) => this.#meta(key.toString('latin1'), value));
      case 'cluster':
        return each(leaf, (key, value) => {
          if (key.toString('latin1') === 'clusterVersion') this.clusterVersion = value.toString('utf8');
        });
      case 'auth':
        return each(leaf, (key, value) => {
          if (key.toString('latin1') === 'authEnabled') this.authEnabled = value[0] === 1;
        });
      case 'members':
        return each(leaf, (key, value) => this.members.push(memberOf(key.toString('latin1'), value)));
      case 'alarm':
        // The key itself is the AlarmMember: 1 member id, 2 kind.
        return each(leaf, (key) => {
          const kind = WireMessage.parse(key)?.varint(2) ?? 0n;
          if (kind !== 0n) this.#alarms.add(ALARMS[String(kind)] ?? `ALARM-${kind}`);
        });
      case 'lease':
        return each(leaf, (_key, value) => this.#lease(value));
      default:
        return;
    }
  }

  #meta(key: string, value: Buffer): void {
    if (key === 'consistent_index' && value.length === 8) this.consistentIndex = value.readBigUInt64BE();
    else if (key === 'storageVersion') this.storageVersion = value.toString('utf8');
    else if (key === 'finishedCompactRev') this.compactRevision = revisionOf(value);
    else if (key === 'scheduledCompactRev') this.scheduledCompactRevision = revisionOf(value);
  }

  #lease(value: Buffer): void {
    this.leaseCount++;
    // leasepb.Lease: 2 granted time to live, 3 what was left of it at the last checkpoint.
    const lease = WireMessage.parse(value);
    const remaining = lease?.varint(3) || lease?.varint(2) || 0n;
    if (BigInt.asIntN(64, remaining) < SHORT_LEASE_SECONDS) this.shortLeaseCount++;
  }
}

function each(leaf: Leaf, visit: (key: Buffer, value: Buffer) => void): void {
  for (let index = 0; index < leaf.count; index++) visit(leaf.key(index), leaf.value(index));
}

function revisionOf(value: Buffer): number {
  if (value.length !== 17) throw corrupt(`A compaction’s revision has ${value.length} bytes.`);
  const revision = new Revision();
  revision.parse(new DataView(value.buffer, value.byteOffset, value.byteLength), 0, value.length);
  return revision.main;
}

/** The id comes from the key: as a JSON number it would lose digits. */
function memberOf(id: string, value: Buffer): SnapshotMember {
  let json: Record<string, unknown> = {};
  try {
    json = JSON.parse(value.toString('utf8')) as Record<string, unknown>;
  } catch {
    // What is known of it is that it is there.
  }
  const texts = (list: unknown) =>
    Array.isArray(list) ? list.filter((each): each is string => typeof each === 'string') : [];
  return {
    id,
    name: typeof json['name'] === 'string' ? json['name'] : '',
    peerUrls: texts(json['peerURLs']),
    clientUrls: texts(json['clientURLs']),
    learner: json['isLearner'] === true,
  };
}

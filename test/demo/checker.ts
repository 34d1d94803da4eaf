import { createHash } from 'node:crypto';
import type { Etcdctl, KeyValue } from './etcdctl.ts';
import type { Intrusion } from './intrusion.ts';

/**
 * The proof, independent of the product: it asks each member with etcd's own client and imports
 * nothing that took part in the restore. What it compares with was noted before anything was wrong.
 */
export interface Expectations {
  /** SHA-256 by key, noted when the baseline was loaded. */
  readonly digests: ReadonlyMap<string, string>;
  readonly intrusion: Intrusion;
  /** A revision that clients were watching from when the restore began. */
  readonly heldRevision: bigint;
  /** Where the store is not compacted, the revision that the snapshot was of: the state right after the restore. */
  readonly snapshotRevision: bigint;
}

export interface Verdict {
  readonly baseline: { readonly objects: number; readonly missing: number; readonly changed: number };
  readonly intrusion: { readonly objects: number; readonly remaining: number };
  readonly hashKv: { readonly equal: boolean; readonly revision: bigint };
  /** The state that was compared: the one the members started from, before any client wrote. */
  readonly gateRevision: bigint;
  readonly members: readonly MemberVerdict[];
}

export interface MemberVerdict {
  readonly name: string;
  readonly version: string;
  readonly hash: bigint;
  /** What a watch from the held revision was told. */
  readonly watch: 'compacted' | 'silence';
}

export interface NamedMember {
  readonly name: string;
  readonly etcdctl: Etcdctl;
}

const PREFIX = '/registry/';
const WATCH_TIMEOUT_MS = 3_000;

/** Rejects where a member is not healthy or cannot be read; everything else is in the verdict. */
export async function check(members: readonly NamedMember[], expected: Expectations): Promise<Verdict> {
  await Promise.all(members.map(({ etcdctl }) => etcdctl.health()));
  const heads = await Promise.all(members.map(({ etcdctl }) => etcdctl.headRevision()));
  const pinned = heads.reduce((least, head) => (head < least ? head : least));
  const hashes = await Promise.all(members.map(({ etcdctl }) => etcdctl.hashKv(pinned)));
  const compactRevision = hashes[0]?.compactRevision ?? 0n;
  const gateRevision =
    compactRevision > expected.snapshotRevision ? compactRevision : expected.snapshotRevision;

  let missing = 0;
  let changed = 0;
  let remaining = 0;
  for (const { etcdctl } of members) {
    const atGate = digestAll(await etcdctl.getAll(PREFIX, gateRevision));
    const atHead = digestAll(await etcdctl.getAll(PREFIX, 0n));
    const baseline = compareBaseline(expected.digests, atGate);
    missing = Math.max(missing, baseline.missing);
    changed = Math.max(changed, baseline.changed);
    for (const found of [atGate, atHead]) {
      remaining = Math.max(remaining, remainingOf(expected.intrusion, expected.digests, found));
    }
  }
  const verdicts = await Promise.all(
    members.map(async ({ name, etcdctl }, index) => {
      const said = await etcdctl.watchFrom(PREFIX, expected.heldRevision, WATCH_TIMEOUT_MS);
      return {
        name,
        version: await etcdctl.version(),
        hash: hashes[index]?.hash ?? 0n,
        watch: said.includes('required revision has been compacted')
          ? ('compacted' as const)
          : ('silence' as const),
      };
    }),
  );
  const { added, deleted, changed: altered } = expected.intrusion;
  return {
    baseline: { objects: expected.digests.size, missing, changed },
    intrusion: { objects: added.length + deleted.length + altered.length, remaining },
    hashKv: {
      equal: hashes.every(
        ({ hash, compactRevision: compacted }) => hash === hashes[0]?.hash && compacted === compactRevision,
      ),
      revision: pinned,
    },
    gateRevision,
    members: verdicts,
  };
}

/** Baseline objects that are not there, and those whose bytes are others. */
export function compareBaseline(
  expected: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, string>,
): { missing: number; changed: number } {
  let missing = 0;
  let changed = 0;
  for (const [key, digest] of expected) {
    const actual = found.get(key);
    if (actual === undefined) missing += 1;
    else if (actual !== digest) changed += 1;
  }
  return { missing, changed };
}

/** How many of the intruder's deeds still stand. */
export function remainingOf(
  intrusion: Intrusion,
  digests: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, string>,
): number {
  return (
    intrusion.added.filter((key) => found.has(key)).length +
    intrusion.deleted.filter((key) => !found.has(key)).length +
    intrusion.changed.filter((key) => found.get(key) !== digests.get(key)).length
  );
}

function digestAll(entries: readonly KeyValue[]): Map<string, string> {
  return new Map(entries.map(({ key, value }) => [key, createHash('sha256').update(value).digest('hex')]));
}

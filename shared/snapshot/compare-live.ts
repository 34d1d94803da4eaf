import type { Consequences } from '../generated/lockstep/v1/plan.ts';
import { cronJobLastScheduled, jobFacts, podFacts, secretType } from '../kubernetes/kinds.ts';
import { parseStorageKey, type StorageKey } from '../kubernetes/storage-key.ts';
import { decodeStored, type StoredObject, uidOf } from '../kubernetes/stored-object.ts';
import { runTask } from './in-worker.ts';
import { countObjects } from './kubernetes-facts.ts';
import { type IndexedRow, rowsOf } from './live-index.ts';
import { StoreReader } from './store-reader.ts';

export interface ComparedStores {
  readonly snapshotPath: string;
  readonly registryPrefix: string;
  /** Every live key under the prefix, once. */
  readonly live: AsyncIterable<{ key: Uint8Array; modRevision: bigint }>;
  /** The live value of a key; undefined where it is gone by now. */
  getLive(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** Keys (latin1) that the restore does not take from the snapshot. */
  passesOver?(key: string): boolean;
}

/** Entries of a list that are named; counts are always whole. */
export const MAX_LISTED = 1000;
const MAX_LOST_EXAMPLES = 100;
/** Live values asked for at once. */
const CONCURRENT_READS = 16;

const TOKEN_SECRETS = new Set(['kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token']);
const RBAC_BINDINGS = new Set(['rolebindings', 'clusterrolebindings']);

interface Difference {
  /** latin1. */
  readonly key: string;
  readonly at: StorageKey;
  /** Absent where the object is only live. */
  readonly row: IndexedRow | undefined;
}

/**
 * What a restore of the snapshot does to what is live now. Keys are compared by their modification
 * revision; values are read only of kinds where the difference has a consequence, and of those
 * that encryption hides it is said so. Throws as `readSnapshotFacts` does, and what the callbacks
 * throw.
 */
export async function compareLive(stores: ComparedStores, signal: AbortSignal): Promise<Consequences> {
  const { snapshotPath, registryPrefix } = stores;
  const index = await runTask('liveIndex', { path: snapshotPath, registryPrefix }, signal);
  const inSnapshot = new Map(rowsOf(index));
  const prefix = Buffer.from(registryPrefix).toString('latin1');
  const lost: Difference[] = [];
  const changed: Difference[] = [];
  const unseen = new Set([...inSnapshot.keys()].filter((key) => stores.passesOver?.(key) !== true));
  const difference = (key: string, row: IndexedRow | undefined): Difference[] => {
    const at = parseStorageKey(key, prefix);
    return at === undefined ? [] : [{ key, at, row }];
  };
  for await (const { key: bytes, modRevision } of stores.live) {
    signal.throwIfAborted();
    const key = Buffer.from(bytes).toString('latin1');
    if (stores.passesOver?.(key) === true) continue;
    const row = inSnapshot.get(key);
    unseen.delete(key);
    if (row === undefined) lost.push(...difference(key, undefined));
    else if (BigInt(row.main) !== modRevision) changed.push(...difference(key, row));
  }
  const revived = [...unseen].flatMap((key) => difference(key, inSnapshot.get(key)));

  using reader = new StoreReader(snapshotPath);
  const values = new Values(reader, stores);
  const lists = new Lists();
  const count = (differences: readonly Difference[]) =>
    countObjects(
      differences.map(({ key }) => key),
      prefix,
    );
  await inParallel(lost, signal, (each) => lostConsequences(each, values, lists));
  await inParallel(changed, signal, (each) => changedConsequences(each, values, lists));
  for (const each of revived) revivedConsequences(each, values, lists);

  return {
    lost: count(lost),
    revived: count(revived),
    changed: count(changed),
    ...lists.take(),
    lostExamples: lost
      .map(({ key }) => utf8(key))
      .sort()
      .slice(0, MAX_LOST_EXAMPLES),
    known: true,
  };
}

/** An object that exists now and will not afterwards. */
async function lostConsequences({ key, at }: Difference, values: Values, lists: Lists): Promise<void> {
  switch (at.resource) {
    case 'pods': {
      const live = await values.live(key);
      if (live !== undefined && runs(live))
        lists.add('podsKilled', `${named(at)} on ${podFacts(live).nodeName}`);
      return;
    }
    case 'persistentvolumes':
      return lists.add('volumesDiverging', `${named(at)} (only now)`);
    default:
      return;
  }
}

/** An object of the same key whose content goes back. */
async function changedConsequences(
  { key, at, row }: Difference,
  values: Values,
  lists: Lists,
): Promise<void> {
  if (row === undefined) return;
  switch (at.resource) {
    case 'pods': {
      const live = await values.live(key);
      if (live === undefined || !runs(live)) return;
      const then = values.snapshot(row);
      const { nodeName } = podFacts(live);
      // Another pod of the same name, or one that was not on that node yet: not kubelet's any more.
      const survives =
        then !== undefined && uidOf(then) === uidOf(live) && podFacts(then).nodeName === nodeName;
      if (!survives) lists.add('podsKilled', `${named(at)} on ${nodeName}`);
      return;
    }
    case 'jobs': {
      const then = values.snapshot(row);
      const live = await values.live(key);
      if (willRun(then) && live !== undefined && (jobFacts(live).finished || uidOf(live) !== uidOf(then!))) {
        lists.add('jobsRerun', named(at));
      }
      return;
    }
    case 'cronjobs': {
      const then = values.snapshot(row);
      const live = await values.live(key);
      if (
        then !== undefined &&
        live !== undefined &&
        cronJobLastScheduled(then) < cronJobLastScheduled(live)
      ) {
        lists.add('jobsRerun', `${named(at)} (cron job)`);
      }
      return;
    }
    case 'serviceaccounts': {
      const then = values.snapshot(row);
      const live = await values.live(key);
      // Tokens are bound to the account's uid: the old account's work again.
      if (then !== undefined && live !== undefined && uidOf(then) !== uidOf(live)) {
        lists.add('accessRevived', accessed(at));
      }
      return;
    }
    default:
      return;
  }
}

/** An object that does not exist now and comes back. */
function revivedConsequences({ at, row }: Difference, values: Values, lists: Lists): void {
  if (row === undefined) return;
  switch (at.resource) {
    case 'jobs':
      if (willRun(values.snapshot(row))) lists.add('jobsRerun', named(at));
      return;
    case 'persistentvolumes':
      return lists.add('volumesDiverging', `${named(at)} (only in the snapshot)`);
    case 'minions':
      return lists.add('nodesRevived', named(at));
    case 'secrets': {
      const then = values.snapshot(row);
      if (then === undefined)
        lists.add('accessRevived', `${accessed(at)} (encrypted: its type is not known)`);
      else if (TOKEN_SECRETS.has(secretType(then))) lists.add('accessRevived', accessed(at));
      return;
    }
    case 'serviceaccounts':
      return lists.add('accessRevived', accessed(at));
    default:
      if (RBAC_BINDINGS.has(at.resource)) lists.add('accessRevived', accessed(at));
  }
}

/** On a node, not ended, and no mirror of a static pod (that one lives by its manifest). */
function runs(pod: StoredObject): boolean {
  const { nodeName, phase, mirror } = podFacts(pod);
  return nodeName !== '' && !mirror && phase !== 'Succeeded' && phase !== 'Failed';
}

function willRun(job: StoredObject | undefined): boolean {
  if (job === undefined) return false;
  const { finished, suspended } = jobFacts(job);
  return !finished && !suspended;
}

/** The values of both sides, decoded; undefined where gone, encrypted or unknown. */
class Values {
  readonly #reader: StoreReader;
  readonly #stores: ComparedStores;

  constructor(reader: StoreReader, stores: ComparedStores) {
    this.#reader = reader;
    this.#stores = stores;
  }

  snapshot(row: IndexedRow): StoredObject | undefined {
    const value = this.#reader.value(row.main, row.sub);
    return value === undefined ? undefined : decodeStored(value);
  }

  async live(key: string): Promise<StoredObject | undefined> {
    const value = await this.#stores.getLive(Buffer.from(key, 'latin1'));
    return value === undefined ? undefined : decodeStored(value);
  }
}

const LISTS = ['podsKilled', 'jobsRerun', 'volumesDiverging', 'accessRevived', 'nodesRevived'] as const;
type ListName = (typeof LISTS)[number];

class Lists {
  readonly #lists = new Map<ListName, string[]>(LISTS.map((name) => [name, []]));

  add(name: ListName, entry: string): void {
    this.#lists.get(name)!.push(entry);
  }

  /** Sorted, so that the same stores give the same plan; cut at MAX_LISTED. */
  take(): Record<ListName, string[]> & { truncatedLists: string[] } {
    const taken = LISTS.map((name) => [name, this.#lists.get(name)!.sort().slice(0, MAX_LISTED)] as const);
    const truncatedLists = LISTS.filter((name) => this.#lists.get(name)!.length > MAX_LISTED);
    return { ...(Object.fromEntries(taken) as Record<ListName, string[]>), truncatedLists };
  }
}

async function inParallel<Item>(
  items: readonly Item[],
  signal: AbortSignal,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const workers = Array.from({ length: Math.min(CONCURRENT_READS, items.length) }, async () => {
    for (const item of left) {
      signal.throwIfAborted();
      await work(item);
    }
  });
  await Promise.all(workers);
}

function named(at: StorageKey): string {
  return utf8(at.namespace === '' ? at.name : `${at.namespace}/${at.name}`);
}

function accessed(at: StorageKey): string {
  return `${at.resource} ${named(at)}`;
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}

import { tooOld } from './status.ts';

/** One key as it is stored. */
export interface StoredObject {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
}

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** One change. `object` is the state after it, or, when deleted, the last one, at the revision of the deletion. */
export interface Change {
  readonly type: ChangeType;
  readonly object: StoredObject;
  readonly previous: StoredObject | undefined;
  readonly revision: bigint;
}

export interface Watcher {
  onChange(change: Change): void;
  /** The cache was listed anew: nothing more will come, the watcher must list again. */
  onLost(): void;
}

export interface Subscription {
  /** What happened after the revision asked for, oldest first. */
  readonly backlog: readonly Change[];
  close(): void;
}

/** How many changes are kept for watchers that come back; older ones must list again. */
const MAX_HISTORY = 10_000;

/**
 * What kube-apiserver keeps in memory of its store: the present, and a window of the recent past.
 * Revisions only grow. A watch from before the window is refused (`too old resource version`); one
 * from the future waits in silence, which is what makes a rewound store dangerous to watchers.
 */
export class WatchCache {
  private objects = new Map<string, StoredObject>();
  private history: Change[] = [];
  private listRevision = 0n;
  private currentRevision = 0n;
  private readonly watchers = new Set<Watcher>();
  private readonly revisionWaiters = new Set<{ revision: bigint; resolve: () => void }>();

  get revision(): bigint {
    return this.currentRevision;
  }

  get size(): number {
    return this.objects.size;
  }

  /** A new list of everything: the past before it is gone, and whoever watched must come again. */
  replace(objects: Iterable<StoredObject>, revision: bigint): void {
    this.objects = new Map();
    for (const object of objects) this.objects.set(object.key, object);
    this.history = [];
    this.listRevision = revision;
    this.currentRevision = revision;
    const lost = [...this.watchers];
    this.watchers.clear();
    for (const watcher of lost) watcher.onLost();
    this.wakeRevisionWaiters();
  }

  put(object: StoredObject): void {
    const previous = this.objects.get(object.key);
    this.objects.set(object.key, object);
    this.record({
      type: previous === undefined ? 'ADDED' : 'MODIFIED',
      object,
      previous,
      revision: object.modRevision,
    });
  }

  remove(key: string, revision: bigint): void {
    const previous = this.objects.get(key);
    if (previous === undefined) {
      this.advance(revision);
      return;
    }
    this.objects.delete(key);
    this.record({ type: 'DELETED', object: { ...previous, modRevision: revision }, previous, revision });
  }

  /** A revision that changed no key that we hold. */
  advance(revision: bigint): void {
    if (revision <= this.currentRevision) return;
    this.currentRevision = revision;
    this.wakeRevisionWaiters();
  }

  get(key: string): StoredObject | undefined {
    return this.objects.get(key);
  }

  /** All objects under the prefix, by key. */
  list(prefix: string): StoredObject[] {
    const found: StoredObject[] = [];
    for (const object of this.objects.values()) if (object.key.startsWith(prefix)) found.push(object);
    return found.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  }

  /** Resolves once the cache has seen the revision; false at the signal. */
  async reached(revision: bigint, signal: AbortSignal): Promise<boolean> {
    if (this.currentRevision >= revision) return true;
    if (signal.aborted) return false;
    const { promise, resolve: wake } = Promise.withResolvers<void>();
    const resolve = (): void => wake();
    const waiter = { revision, resolve };
    this.revisionWaiters.add(waiter);
    signal.addEventListener('abort', resolve, { once: true });
    await promise;
    this.revisionWaiters.delete(waiter);
    signal.removeEventListener('abort', resolve);
    return this.currentRevision >= revision;
  }

  /** Every change after `since`, past and coming. Throws 410 `Expired` where the past no longer reaches that far. */
  subscribe(since: bigint, watcher: Watcher): Subscription {
    // The oldest revision from which nothing is missing: the list's own, or that of the last change dropped.
    if (since < this.listRevision) throw tooOld(since, this.listRevision);
    const backlog = this.history.filter((change) => change.revision > since);
    // As upstream: who says it has seen up to `since` is never told of anything at or before it, even
    // where the store was rewound and those revisions are new ones.
    const beyond: Watcher = {
      onChange: (change) => {
        if (change.revision > since) watcher.onChange(change);
      },
      onLost: () => watcher.onLost(),
    };
    this.watchers.add(beyond);
    return { backlog, close: () => void this.watchers.delete(beyond) };
  }

  private record(change: Change): void {
    this.history.push(change);
    if (this.history.length > MAX_HISTORY) {
      const dropped = this.history.splice(0, this.history.length - MAX_HISTORY);
      this.listRevision = dropped.at(-1)?.revision ?? this.listRevision;
    }
    for (const watcher of this.watchers) watcher.onChange(change);
    this.advance(change.revision);
  }

  private wakeRevisionWaiters(): void {
    for (const waiter of this.revisionWaiters) {
      if (waiter.revision <= this.currentRevision) waiter.resolve();
    }
  }
}

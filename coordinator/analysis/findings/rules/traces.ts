import type { SeenRow, StoreRule, StoreTrait } from '../rule.ts';

const NO_OBJECT = { key: '', resource: '', namespace: '', name: '', deleted: false, revision: 0 } as const;

/** Deletions of events that no lease explains. */
const deletedEvents: StoreRule = {
  id: 'LS-T1070-deleted-events',
  title: 'Events were deleted before their time',
  techniques: ['T1070'],
  severity: 'high',
  why: 'Events go by themselves, when the lease on which they hang ends. These were deleted while it still lives, or hung on none: somebody removed what others could have read.',
  innocent: 'A cleaner that deletes events. Those of a namespace that was deleted are not told.',
  kind: 'store',
  reports: 'state',
  observe: () => {
    const leaseOf = new Map<string, string>();
    const deleted = new Map<string, { readonly row: SeenRow; readonly lease: string | undefined }>();
    return {
      row: (row) => {
        if (row.resource !== 'events' && row.resource !== 'events.events.k8s.io') return;
        if (row.deleted) deleted.set(row.key, { row, lease: leaseOf.get(row.key) });
        else {
          deleted.delete(row.key);
          leaseOf.set(row.key, row.lease);
        }
      },
      conclude: ({ form, facts, namespaces }) => {
        const living = new Set(facts.leases.map(({ id }) => id));
        return [...deleted.values()].flatMap(({ row, lease }): StoreTrait[] => {
          // Of kine's leases only their length is known; a put that was compacted away says nothing.
          if (form === 'kine' || lease === undefined || !namespaces.has(row.namespace)) return [];
          if (lease !== '' && !living.has(lease)) return [];
          const value = lease === '' ? 'deleted, on no lease' : 'deleted while its lease lives';
          return [{ ...ofRow(row), trait: { field: '', value }, group: `events in ${row.namespace}` }];
        });
      },
    };
  },
};

/** Fewer are told by the rules of their own kinds. */
const MIN_BURST = 2;

const pastTheApi: StoreRule = {
  id: 'LS-T1070-deleted-past-the-api',
  title: 'Several keys were deleted in one transaction of etcd',
  techniques: ['T1070', 'T1485'],
  severity: 'high',
  why: 'kube-apiserver deletes one key in a transaction; only the end of a lease takes several with it, and these hung on none. Somebody spoke to etcd itself.',
  innocent: 'A repair of the store by hand, with etcdctl.',
  kind: 'store',
  reports: 'state',
  observe: () => {
    const leaseOf = new Map<string, string>();
    let current: SeenRow[] = [];
    const found: StoreTrait[] = [];
    const close = (): void => {
      if (current.length >= MIN_BURST) {
        const [first] = current;
        const group = `${current.length} keys at revision ${first!.main}`;
        for (const row of current) {
          found.push({ ...ofRow(row), group, trait: { field: '', value: `deleted at ${row.main}` } });
        }
      }
      current = [];
    };
    return {
      row: (row) => {
        if (current[0] !== undefined && current[0].main !== row.main) close();
        if (!row.deleted) leaseOf.set(row.key, row.lease);
        else if (leaseOf.get(row.key) === '') current.push(row);
      },
      conclude: ({ form }) => {
        close();
        return form === 'kine' ? [] : found;
      },
    };
  },
};

/** Rows of history that are looked at together. */
const WINDOW_ROWS = 400;
const MIN_DELETIONS = 100;
/** Controllers and the API itself delete these all day long. */
const PASSING = new Set([
  'events',
  'events.events.k8s.io',
  'pods',
  'replicasets.apps',
  'endpoints',
  'endpointslices.discovery.k8s.io',
  'leases.coordination.k8s.io',
  'jobs.batch',
  'controllerrevisions.apps',
  'certificatesigningrequests.certificates.k8s.io',
  'masterleases',
]);

const burst: StoreRule = {
  id: 'LS-T1070-deletion-burst',
  title: 'Many objects were deleted at once',
  techniques: ['T1070', 'T1485'],
  severity: 'medium',
  why: `${MIN_DELETIONS} and more of ${WINDOW_ROWS} changes in a row were deletions of lasting objects: destruction, or the removal of what an intruder had made.`,
  innocent: 'An application was removed. Objects of a namespace that was deleted do not count.',
  kind: 'store',
  reports: 'state',
  observe: () => {
    /** Places of deletions in the row of changes, in order. */
    const deletions: { readonly place: number; readonly row: SeenRow }[] = [];
    let place = 0;
    return {
      row: (row) => {
        place += 1;
        if (row.deleted && row.resource !== '' && !PASSING.has(row.resource)) deletions.push({ place, row });
      },
      conclude: ({ namespaces }) => {
        const counted = deletions.filter(({ row }) => row.namespace === '' || namespaces.has(row.namespace));
        const told = new Set<(typeof counted)[number]>();
        for (let from = 0, to = 0; to < counted.length; to += 1) {
          while (counted[to]!.place - counted[from]!.place >= WINDOW_ROWS) from += 1;
          if (to - from + 1 < MIN_DELETIONS) continue;
          for (let at = from; at <= to; at += 1) told.add(counted[at]!);
        }
        return [...told].map(({ row }) => ({
          ...ofRow(row),
          group: 'a burst of deletions',
          trait: { field: '', value: `deleted at ${row.main}` },
        }));
      },
    };
  },
};

const compaction: StoreRule = {
  id: 'LS-T1070-early-compaction',
  title: 'The store’s history was cut off by somebody else than the API server',
  techniques: ['T1070'],
  severity: 'medium',
  why: 'kube-apiserver notes up to where it compacts before it does. The store is compacted further than that: superseded versions and deletions are gone before their time.',
  innocent:
    'etcd compacts by itself where --auto-compaction-retention says so, and operators do before a defragmentation.',
  kind: 'store',
  reports: 'state',
  observe: () => ({
    conclude: ({ form, facts, bumpRevision }) => {
      const { compactRevision, apiServerCompactRevision, revision } = facts;
      if (form === 'kine' || apiServerCompactRevision === undefined) return [];
      if (compactRevision <= apiServerCompactRevision) return [];
      // A restore with a raised revision compacts to where it raised it.
      if (bumpRevision !== undefined && compactRevision <= bumpRevision) return [];
      const value = `compacted to ${compactRevision}, the API server says ${apiServerCompactRevision}; ${revision - compactRevision} revisions are left`;
      return [ofStore('compaction', value)];
    },
  }),
};

/** Below it a store is too young for the figures to say anything. */
const MIN_REVISION = 10_000;
/** etcd writes at most that many changes in one transaction of its file, and seldom a tenth of it. */
const CHANGES_PER_TRANSACTION = 1_000n;

const defragmentation: StoreRule = {
  id: 'LS-T1070-defragmented',
  title: 'The store’s file was written anew not long ago',
  techniques: ['T1070'],
  severity: 'low',
  why: 'Its count of transactions is far below its revision. A defragmentation leaves no free pages, and with them goes what was deleted or compacted and could still be read.',
  innocent: 'Regular maintenance: compare its time with when you defragment.',
  kind: 'store',
  reports: 'state',
  observe: () => ({
    conclude: ({ facts, bumpRevision }) => {
      const { transactionId, revision } = facts;
      if (transactionId === undefined || bumpRevision !== undefined || revision < MIN_REVISION) return [];
      if (transactionId * CHANGES_PER_TRANSACTION >= BigInt(revision)) return [];
      return [ofStore('transactions', `${transactionId} of them, at revision ${revision}`)];
    },
  }),
};

const plainSecrets: StoreRule = {
  id: 'LS-T1552.007-plain-secret',
  title: 'A secret lies in plain text among encrypted ones',
  techniques: ['T1552.007', 'T1070'],
  severity: 'medium',
  why: 'The API server encrypts what it writes. This one was written before it did, or past it, straight into etcd.',
  innocent:
    'Encryption was turned on and this secret was not written again since: its revision is lower than that of the first encrypted one.',
  kind: 'store',
  reports: 'state',
  observe: () => {
    const plain = new Map<string, SeenRow>();
    const encrypted = new Map<string, number>();
    return {
      row: (row) => {
        if (row.resource !== 'secrets') return;
        plain.delete(row.key);
        encrypted.delete(row.key);
        if (row.deleted) return;
        if (row.encrypted) encrypted.set(row.key, row.main);
        else plain.set(row.key, row);
      },
      conclude: () => {
        if (encrypted.size === 0) return [];
        const first = leastOf(encrypted.values());
        return [...plain.values()].map((row) => ({
          ...ofRow(row),
          group:
            row.main > first
              ? 'secrets written plain among encrypted ones'
              : 'secrets from before encryption',
          trait: { field: '', value: 'not encrypted' },
        }));
      },
    };
  },
};

/** The least of them, without spreading a million arguments. */
function leastOf(revisions: Iterable<number>): number {
  let least = Number.POSITIVE_INFINITY;
  for (const revision of revisions) least = Math.min(least, revision);
  return least;
}

function ofRow(row: SeenRow): Omit<StoreTrait, 'trait' | 'group'> {
  const { key, resource, namespace, name, main, deleted } = row;
  return { key, resource, namespace, name, revision: main, deleted };
}

function ofStore(field: string, value: string): StoreTrait {
  // What was compacted or defragmented before stays so: the baseline's own is known by the same words.
  return { ...NO_OBJECT, group: 'the store as a whole', trait: { field, value } };
}

export const traceRules: readonly StoreRule[] = [
  deletedEvents,
  pastTheApi,
  burst,
  compaction,
  defragmentation,
  plainSecrets,
];

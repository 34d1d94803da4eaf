import { corrupt } from '../snapshot/bbolt/corrupt.ts';
import { BboltFile, WALK_CACHE_BYTES } from '../snapshot/bbolt/file.ts';
import type { Leaf } from '../snapshot/bbolt/page.ts';
import { walk } from '../snapshot/bbolt/walk.ts';
import { KeyValue } from '../snapshot/key-value.ts';
import { Revision } from '../snapshot/revision.ts';
import { StoreReader } from '../snapshot/store-reader.ts';
import { carve } from './carve.ts';
import { EtcdBuckets } from './etcd-buckets.ts';
import { etcdNotes } from './etcd-notes.ts';
import { EtcdRow } from './etcd-row.ts';
import type { CarvedRow, Evidence, EvidenceFacts, Row } from './evidence.ts';
import { KubernetesTrace } from './kubernetes-trace.ts';
import { RowSet } from './row-set.ts';

/** etcd's bbolt file: a snapshot with its trailer, or a store out of a data directory. */
export class EtcdStore implements Evidence {
  readonly path: string;
  readonly form = 'etcd';
  readonly #file: BboltFile;
  readonly #reader: StoreReader;
  #facts: EvidenceFacts | undefined;
  #notes: readonly string[] | undefined;

  /** Throws SNAPSHOT_NOT_FOUND, SNAPSHOT_TRUNCATED, SNAPSHOT_CORRUPT. */
  constructor(path: string) {
    this.path = path;
    // Apart from the walk's file: a look-up in the middle of a walk leaves the walk's pages alone.
    this.#reader = new StoreReader(path);
    try {
      this.#file = new BboltFile(path, WALK_CACHE_BYTES);
    } catch (thrown) {
      this.#reader[Symbol.dispose]();
      throw thrown;
    }
  }

  get facts(): EvidenceFacts {
    this.#facts ??= this.#readFacts();
    return this.#facts;
  }

  get notes(): readonly string[] {
    this.#notes ??= etcdNotes(this.path, this.#file);
    return this.#notes;
  }

  rows(visit: (row: Row) => void): void {
    this.#walk(visit, () => undefined);
  }

  value(main: number, sub: number): Uint8Array | undefined {
    return this.#reader.value(main, sub);
  }

  carved(visit: (row: CarvedRow) => void): void {
    const told = new RowSet();
    const inUse = this.#walk(
      ({ main, sub }) => told.add(main, sub),
      () => undefined,
    );
    carve(this.#file, inUse, told, visit);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
    this.#reader[Symbol.dispose]();
  }

  #readFacts(): EvidenceFacts {
    const buckets = new EtcdBuckets();
    const trace = new KubernetesTrace();
    let revision = 0;
    this.#walk(
      (row) => {
        revision = row.main;
        trace.row(row);
      },
      (bucket, leaf) => buckets.leaf(bucket, leaf),
    );
    const { small, leases, alarms } = buckets;
    return {
      revision,
      compactRevision: small.compactRevision,
      scheduledCompactRevision: small.scheduledCompactRevision,
      apiServerCompactRevision: trace.apiServerCompactRevision,
      transactionId: this.#file.meta.transactionId,
      registryPrefix: trace.registryPrefix((visit) => this.rows(visit)),
      members: small.members,
      leases,
      alarms,
      authEnabled: small.authEnabled,
      storageVersion: small.storageVersion,
    };
  }

  /** Returns 1 for each page in use. */
  #walk(visit: (row: Row) => void, visitOther: (bucket: string, leaf: Leaf) => void): Uint8Array {
    const revision = new Revision();
    const keyValue = new KeyValue();
    const row = new EtcdRow(revision, keyValue);
    const seen = new Set<string>();
    let bucket = '';
    const inUse = walk(this.#file, {
      bucket(name) {
        bucket = name;
        seen.add(name);
      },
      leaf(leaf) {
        if (bucket !== 'key') return visitOther(bucket, leaf);
        const { bytes, view, count } = leaf;
        for (let index = 0; index < count; index++) {
          revision.parse(view, leaf.keyStart[index]!, leaf.keyBytes[index]!);
          keyValue.parse(bytes, leaf.keyEnd(index), leaf.valueEnd(index));
          visit(row.at(bytes));
        }
      },
    });
    if (!seen.has('key')) throw corrupt('The file has no bucket key: it is no etcd store.');
    return inUse;
  }
}

import type { Clock } from '@lockstep/shared/clock.ts';
import { LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { CopyOutcome } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { StoredSnapshot } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { SnapshotMarks } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { copyIn, proveCopy } from './copy-in.ts';
import { checkStoredBytes, copyOut } from './copy-out.ts';
import { inspectNodes } from './inventory.ts';
import type { AgentClient, Agents, Store } from './ports.ts';
import { requireCopySeal, type Sealing } from './sealing.ts';
import { findHolders, type Holding } from './snapshots.ts';
import { type CopyInStore, findCopy } from './stored-cards.ts';
import type { OnProgress } from './work-stream.ts';

const LIST_TIMEOUT_MS = 60_000;
/** A snapshot of 8 GB, slowly; what stalls is given up long before. */
const COPY_TIMEOUT_MS = 2 * 60 * 60_000;

export interface CopyingSettings {
  readonly agents: Agents;
  readonly stores: readonly Store[];
  /** Names of stores that take copies as they are. */
  readonly unencrypted: ReadonlySet<string>;
  readonly recipients: readonly string[];
  /** What a save makes by itself. */
  readonly wanted: { readonly nodes: number; readonly stores: readonly string[] };
  readonly sealing: Pick<Sealing, 'trust'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface CopyTargets {
  readonly nodes: readonly string[];
  readonly stores: readonly string[];
}

/** Makes copies of snapshots, in stores and on other agents' disks, and brings them back. */
export class Copying {
  readonly #settings: CopyingSettings;

  constructor(settings: CopyingSettings) {
    this.#settings = settings;
  }

  get stores(): readonly Store[] {
    return this.#settings.stores;
  }

  /** Throws STORE_UNKNOWN. */
  store(name: string): Store {
    const found = this.#settings.stores.find((each) => each.name === name);
    if (found !== undefined) return found;
    const known = this.#settings.stores.map((each) => each.name).join(', ') || 'none';
    throw new LockstepError('STORE_UNKNOWN', {
      message: `There is no store ${name}; there are: ${known}.`,
    });
  }

  /**
   * Makes copies side by side; each ends for itself. A place that has a good one already is left
   * as it is. Rejects where no agent holds the snapshot, or a place is not known, before anything
   * is made.
   */
  async make(
    snapshotId: string,
    { nodes, stores }: CopyTargets,
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<CopyOutcome[]> {
    const { agents, clock } = this.#settings;
    const into = stores.map((name) => this.store(name));
    const onto = nodes.map((node) => clientOf(agents, node));
    const holders = await findHolders(agents, snapshotId, signal);
    if (holders.length === 0) throw await this.#notHeld(snapshotId, signal);
    const until = clock.deadline(COPY_TIMEOUT_MS, signal);
    return Promise.all([
      ...onto.map((client) =>
        this.#outcome(client.node, () => this.#toNode(client, holders, onProgress, until)),
      ),
      ...into.map((store) =>
        this.#outcome(store.name, () => this.#toStore(store, holders, onProgress, until)),
      ),
    ]);
  }

  /** What the configuration asks for, of a snapshot that has just been taken. Never rejects but at the signal. */
  async makeWanted(
    snapshot: StoredSnapshot,
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<CopyOutcome[]> {
    const { agents, clock, wanted } = this.#settings;
    const holders = [{ client: clientOf(agents, snapshot.node), snapshot }];
    const until = clock.deadline(COPY_TIMEOUT_MS, signal);
    const others = wanted.nodes > 1 ? await this.#othersThan(snapshot.node, signal) : [];
    const missing = Math.max(0, wanted.nodes - 1 - others.length);
    return Promise.all([
      ...others
        .slice(0, wanted.nodes - 1)
        .map((client) => this.#outcome(client.node, () => this.#toNode(client, holders, onProgress, until))),
      ...Array.from({ length: missing }, () =>
        this.#outcome('', () => Promise.reject(tooFewNodes(wanted.nodes))),
      ),
      ...wanted.stores.map((name) =>
        this.#outcome(name, () => this.#toStore(this.store(name), holders, onProgress, until)),
      ),
    ]);
  }

  /**
   * The copy in that store, or in the first that has one which an agent sealed. Throws
   * COPY_NOT_FOUND, COPY_DAMAGED, COPY_SEAL_INVALID, STORE_*.
   */
  async find(snapshotId: string, storeName: string, signal: AbortSignal): Promise<CopyInStore> {
    const { stores, sealing, clock } = this.#settings;
    const trust = await sealing.trust(signal);
    const asked = storeName === '' ? stores : [this.store(storeName)];
    const failures: unknown[] = [];
    for (const store of asked) {
      try {
        const found = await findCopy(store, snapshotId, clock.deadline(LIST_TIMEOUT_MS, signal));
        if (found !== undefined) {
          requireCopySeal(found, trust);
          return found;
        }
      } catch (thrown) {
        signal.throwIfAborted();
        failures.push(thrown);
      }
    }
    // One that does not answer may have it: that is not the same as that nobody has it.
    if (failures.length > 0) throw failures[0];
    throw new LockstepError('COPY_NOT_FOUND', {
      message: `${asked.map((each) => each.name).join(', ') || 'No store is configured, so none'} holds no copy of ${snapshotId}.`,
    });
  }

  /** Their names; one that does not answer is as one that has none. */
  async storesThatHold(snapshotId: string, signal: AbortSignal): Promise<string[]> {
    const { stores, clock } = this.#settings;
    const found = await Promise.all(
      stores.map((store) =>
        findCopy(store, snapshotId, clock.deadline(LIST_TIMEOUT_MS, signal)).catch(() => undefined),
      ),
    );
    signal.throwIfAborted();
    return found.flatMap((each) => (each === undefined ? [] : [each.store]));
  }

  /** Takes a copy from a store onto an agent's disk. */
  async fetch(
    request: {
      readonly snapshotId: string;
      readonly store: string;
      readonly node: string;
      readonly fileKey: Uint8Array;
    },
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<StoredSnapshot> {
    const { agents, clock, logger } = this.#settings;
    const found = await this.find(request.snapshotId, request.store, signal);
    const client = request.node === '' ? await this.#chooseNode(signal) : clientOf(agents, request.node);
    const until = clock.deadline(COPY_TIMEOUT_MS, signal);
    const snapshot = await copyIn(
      { store: this.store(found.store), client, clock },
      found,
      request.fileKey,
      onProgress,
      until,
    );
    logger.info(
      { snapshotId: request.snapshotId, store: found.store, node: client.node },
      'snapshot fetched',
    );
    return { ...snapshot, node: client.node };
  }

  /** Reads a copy whole and holds it against what was stored. Throws COPY_DAMAGED, STORE_*. */
  async check(found: CopyInStore, onProgress: OnProgress, signal: AbortSignal): Promise<void> {
    await checkStoredBytes(this.store(found.store), found, onProgress, signal);
  }

  /** Unpacks a copy on an agent, to nowhere, and holds it against its card; returns where. Empty node: whichever. */
  async prove(found: CopyInStore, fileKey: Uint8Array, signal: AbortSignal, node = ''): Promise<string> {
    const { agents, clock } = this.#settings;
    const client = node === '' ? await this.#chooseNode(signal) : clientOf(agents, node);
    const until = clock.deadline(COPY_TIMEOUT_MS, signal);
    await proveCopy({ store: this.store(found.store), client, clock }, found, fileKey, until);
    return client.node;
  }

  async #toStore(
    store: Store,
    holders: readonly Holding[],
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<void> {
    const { recipients, unencrypted, sealing, clock } = this.#settings;
    const to = unencrypted.has(store.name) ? [] : recipients;
    const trust = await sealing.trust(signal);
    const copy = await copyOut({ store, recipients: to, trust, clock }, holders, onProgress, signal);
    this.#settings.logger.info(
      { snapshotId: copy.snapshotId, store: store.name, sizeBytes: Number(copy.sizeBytes) },
      'snapshot copied',
    );
  }

  async #toNode(
    client: AgentClient,
    holders: readonly Holding[],
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<void> {
    const { node } = client;
    const snapshotId = holders[0]?.snapshot.card?.id ?? '';
    const others = holders.filter((each) => each.client.node !== node);
    if (others.length < holders.length && (await this.#isWhole(client, snapshotId, signal))) return;
    const [first] = others;
    if (first === undefined) {
      throw new LockstepError('SNAPSHOT_NOT_FOUND', {
        node,
        message: `What ${node} holds of ${snapshotId} is not whole, and no other node that answered has one.`,
      });
    }
    const marks = holders.map(({ snapshot }) => snapshot.marks).find((each) => each !== undefined);
    const request = {
      sealed: first.snapshot.sealed,
      card: first.snapshot.card,
      marks: marks ?? SnapshotMarks.fromPartial({ snapshotId }),
      sources: others.map((each) => ({ node: each.client.node, address: each.client.address })),
    };
    const snapshot = await client.copySnapshot(
      request,
      ({ step, doneBytes: done, totalBytes: total }) =>
        onProgress({
          phase: Phase.PHASE_UNSPECIFIED,
          node,
          step,
          doneBytes: done,
          totalBytes: total,
          done: false,
        }),
      signal,
    );
    const totalBytes = snapshot.file?.sizeBytes ?? 0n;
    onProgress({
      phase: Phase.PHASE_UNSPECIFIED,
      node,
      step: 'copied',
      doneBytes: totalBytes,
      totalBytes,
      done: true,
    });
  }

  /** As `verify` says; what cannot be read there is replaced as well. */
  async #isWhole(client: AgentClient, snapshotId: string, signal: AbortSignal): Promise<boolean> {
    const { refusals } = await client.verifySnapshot(snapshotId, signal);
    return refusals.length === 0;
  }

  async #outcome(place: string, make: () => Promise<void>): Promise<CopyOutcome> {
    try {
      await make();
      return { place, failure: undefined };
    } catch (thrown) {
      const failure = toFailure(thrown, place);
      this.#settings.logger.warn({ place, code: failure.code, reason: failure.message }, 'no copy was made');
      return { place, failure };
    }
  }

  /** Hosts of etcd first, serving ones before others: a snapshot lies where it is restored. */
  async #chooseNode(signal: AbortSignal): Promise<AgentClient> {
    const { agents, clock } = this.#settings;
    const [chosen] = (await inspectNodes(agents, clock, signal))
      .filter(({ report }) => report !== undefined)
      .sort((a, b) => rank(b.report) - rank(a.report));
    if (chosen === undefined) {
      throw new LockstepError('UNREACHABLE', { message: 'No agent answers that could take the snapshot.' });
    }
    return agents.client(chosen);
  }

  async #othersThan(node: string, signal: AbortSignal): Promise<AgentClient[]> {
    const { agents, clock } = this.#settings;
    return (await inspectNodes(agents, clock, signal))
      .filter((each) => each.node !== node && each.report !== undefined)
      .sort((a, b) => rank(b.report) - rank(a.report))
      .map((each) => agents.client(each));
  }

  async #notHeld(snapshotId: string, signal: AbortSignal): Promise<LockstepError> {
    const found = await this.find(snapshotId, '', signal).catch(() => undefined);
    if (found === undefined) {
      return new LockstepError('SNAPSHOT_NOT_FOUND', {
        message: `No node that answered holds ${snapshotId}.`,
      });
    }
    return new LockstepError('SNAPSHOT_NOT_FETCHED', {
      message: `${snapshotId} lies in store ${found.store} alone.`,
    });
  }
}

function rank(report: { readonly etcd?: { readonly serving: boolean } | undefined } | undefined): number {
  return Number(report?.etcd !== undefined) + Number(report?.etcd?.serving ?? false);
}

function clientOf(agents: Agents, node: string): AgentClient {
  const known = agents.known().find((each) => each.node === node);
  if (known === undefined) {
    throw new LockstepError('NODE_MISSING', { message: `There is no node ${node}.`, node });
  }
  return agents.client(known);
}

function tooFewNodes(wanted: number): LockstepError {
  return new LockstepError('NODE_MISSING', {
    message: `The configuration wants ${wanted} nodes to hold a snapshot; fewer answered.`,
  });
}

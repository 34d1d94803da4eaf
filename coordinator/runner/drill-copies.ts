import { sha256Hex } from '@lockstep/shared/digest.ts';
import { fromFailure, LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { Encoding, type Proof } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { readHead } from './copy-in.ts';
import type { Copying } from './copying.ts';
import type { AgentClient, Agents, Copies, UnexpiredPlans } from './ports.ts';
import type { CopyInStore } from './stored-cards.ts';
import { findUses } from './uses.ts';
import type { OnProgress } from './work-stream.ts';

const TAKE_AWAY_TIMEOUT_MS = 60_000;

/** What lies on a node for a drill alone. */
export interface Brought {
  /** Removes it there, unless the node had one of its own or somebody has found a use for it. Never rejects. */
  takeAway(): Promise<void>;
}

/** Brings a snapshot onto a node that is to drill it, and makes known what came of it. */
export interface BringSnapshot {
  /** The copy in that store, or in the first that has one. Throws COPY_NOT_FOUND, COPY_DAMAGED, COPY_SEAL_INVALID, COPY_KEY_NEEDED. */
  find(
    request: { readonly snapshotId: string; readonly store: string; readonly fileKey: Uint8Array },
    signal: AbortSignal,
  ): Promise<CopyInStore>;
  /**
   * From a store. A node that holds the snapshot keeps its own, and unpacks the copy to nowhere:
   * bytes with the digest of the one card are the same bytes. Throws COPY_*, SNAPSHOT_*, STORE_*.
   */
  fromStore(
    found: CopyInStore,
    to: { readonly client: AgentClient; readonly holds: boolean; readonly fileKey: Uint8Array },
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<Brought>;
  /** From whichever agent holds it. */
  fromAgent(
    snapshotId: string,
    client: AgentClient,
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<Brought>;
  /** Beside the copies in stores. */
  mark(snapshotId: string, proof: Proof, signal: AbortSignal): Promise<void>;
}

export interface DrillCopiesSettings {
  /** As an identity is named: who deletes what was brought. */
  readonly self: string;
  readonly agents: Agents;
  readonly copying: Pick<Copying, 'make' | 'fetch' | 'find' | 'prove' | 'store' | 'stores'>;
  readonly copies: Pick<Copies, 'list' | 'mark'>;
  readonly plans: UnexpiredPlans;
  readonly clock: Parameters<typeof findUses>[0]['clock'];
  readonly logger: Logger;
}

/** Snapshots for drills, by the copies that there are. */
export class DrillCopies implements BringSnapshot {
  readonly #settings: DrillCopiesSettings;

  constructor(settings: DrillCopiesSettings) {
    this.#settings = settings;
  }

  async find(
    { snapshotId, store, fileKey }: Parameters<BringSnapshot['find']>[0],
    signal: AbortSignal,
  ): Promise<CopyInStore> {
    const { copying } = this.#settings;
    const found = await copying.find(snapshotId, store, signal);
    const { copy } = found;
    if (copy.encoding !== Encoding.ENCODING_ZSTD_AGE || fileKey.length > 0) return found;
    // Whoever has the identity opens no head but the right one, so a spoilt head comes without a key.
    const head = await readHead(copying.store(found.store), found, signal);
    if (sha256Hex(head) !== copy.headSha256) {
      throw new LockstepError('COPY_DAMAGED', {
        node: found.store,
        message: `The head of the copy of ${snapshotId} in ${found.store} is not the one that was stored.`,
      });
    }
    throw new LockstepError('COPY_KEY_NEEDED', {
      message: `The copy of ${snapshotId} in ${found.store} is encrypted to ${copy.recipients.join(', ')}.`,
    });
  }

  async fromStore(
    found: CopyInStore,
    { client, holds, fileKey }: Parameters<BringSnapshot['fromStore']>[1],
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<Brought> {
    const { copying } = this.#settings;
    const { snapshotId } = found.copy;
    if (holds) {
      await copying.prove(found, fileKey, signal, client.node);
      return { takeAway: async () => undefined };
    }
    const request = { snapshotId, store: found.store, node: client.node, fileKey };
    return this.#brought(snapshotId, client, `store ${found.store}`, signal, async () => {
      await copying.fetch(request, onProgress, signal);
    });
  }

  async fromAgent(
    snapshotId: string,
    client: AgentClient,
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<Brought> {
    const targets = { nodes: [client.node], stores: [] };
    return this.#brought(snapshotId, client, 'another node', signal, async () => {
      const [outcome] = await this.#settings.copying.make(snapshotId, targets, onProgress, signal);
      if (outcome?.failure !== undefined) throw fromFailure(outcome.failure);
    });
  }

  async mark(snapshotId: string, proof: Proof, signal: AbortSignal): Promise<void> {
    const { copies, copying } = this.#settings;
    const listed = await copies.list(signal);
    const marks = { snapshotId, pins: [], proofs: [proof] };
    const stores = new Set(
      listed.copies.filter(({ copy }) => copy.snapshotId === snapshotId).map(({ copy }) => copy.store),
    );
    // A copy that is cut off is not listed, and is the one to be marked.
    if (copying.stores.some(({ name }) => name === proof.place)) stores.add(proof.place);
    await Promise.all([...stores].map((store) => copies.mark(store, marks, signal)));
  }

  async #brought(
    snapshotId: string,
    client: AgentClient,
    from: string,
    signal: AbortSignal,
    bring: () => Promise<void>,
  ): Promise<Brought> {
    const { self, clock, logger } = this.#settings;
    const { node } = client;
    const before = await this.#uses(snapshotId, signal);
    await bring();
    return {
      takeAway: async () => {
        // Not the drill's own signal: what was called off is cleared away all the same.
        const until = clock.deadline(TAKE_AWAY_TIMEOUT_MS);
        try {
          // What was planned before it came goes by other copies.
          const use = (await this.#uses(snapshotId, until)).find((each) => !before.includes(each));
          if (use !== undefined) {
            logger.info({ snapshotId, node, use }, 'what was brought for a drill stays');
            return;
          }
          const reason = `drilled: it was brought from ${from} for that alone`;
          await client.deleteSnapshot({ snapshotId, requestedBy: self, approvedBy: '', reason }, until);
        } catch (thrown) {
          const { code, message } = toFailure(thrown);
          logger.warn({ snapshotId, node, code, reason: message }, 'what was brought for a drill stays');
        }
      },
    };
  }

  async #uses(snapshotId: string, signal: AbortSignal): Promise<readonly string[]> {
    return (await findUses(this.#settings, signal)).bySnapshot.get(snapshotId) ?? [];
  }
}

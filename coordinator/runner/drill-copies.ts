import { fromFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { NodeProgress } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import type { Proof } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { Copying } from './copying.ts';
import type { BringSnapshot } from './drills.ts';
import type { Agents, Copies } from './ports.ts';
import { findHolders } from './snapshots.ts';

/** Snapshots for drills, by the copies that there are: from an agent that holds one, else from a store. */
export class DrillCopies implements BringSnapshot {
  readonly #agents: Agents;
  readonly #copying: Pick<Copying, 'make' | 'fetch'>;
  readonly #copies: Pick<Copies, 'list' | 'mark'>;

  constructor(
    agents: Agents,
    copying: Pick<Copying, 'make' | 'fetch'>,
    copies: Pick<Copies, 'list' | 'mark'>,
  ) {
    this.#agents = agents;
    this.#copying = copying;
    this.#copies = copies;
  }

  /** Throws SNAPSHOT_NOT_FOUND, COPY_NOT_FOUND, STORE_*, and what the agent says that is to take it. */
  async bring(
    snapshotId: string,
    node: string,
    onProgress: (progress: NodeProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const holders = await findHolders(this.#agents, snapshotId, signal);
    if (holders.length > 0 && node !== '') {
      const targets = { nodes: [node], stores: [] };
      const [outcome] = await this.#copying.make(snapshotId, targets, onProgress, signal);
      if (outcome?.failure !== undefined) throw fromFailure(outcome.failure);
      return;
    }
    // Without a key: an encrypted one is fetched first, by whoever has the identity.
    const request = { snapshotId, store: '', node, fileKey: new Uint8Array() };
    await this.#copying.fetch(request, onProgress, signal);
  }

  async mark(snapshotId: string, proof: Proof, signal: AbortSignal): Promise<void> {
    const { copies } = await this.#copies.list(signal);
    const marks = { snapshotId, pins: [], proofs: [proof] };
    const stores = copies.filter(({ copy }) => copy.snapshotId === snapshotId).map(({ copy }) => copy.store);
    await Promise.all(stores.map((store) => this.#copies.mark(store, marks, signal)));
  }
}

import type { Clock } from '@lockstep/shared/clock.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { CatalogueEntry, SnapshotMarks } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { marksToText } from '@lockstep/shared/marks.ts';
import { buildCatalogue } from '../core/catalogue.ts';
import { askAll } from './inventory.ts';
import type { Agents, Copies } from './ports.ts';
import { judged, type Sealing } from './sealing.ts';

const LIST_TIMEOUT_MS = 15_000;
const MARK_TIMEOUT_MS = 15_000;

export interface CatalogueSettings {
  readonly agents: Agents;
  readonly copies: Copies;
  readonly sealing: Pick<Sealing, 'trust'>;
  readonly clock: Clock;
}

export interface CatalogueView {
  readonly entries: readonly CatalogueEntry[];
  /** Places that did not answer: what they hold is not in it. */
  readonly failures: readonly Failure[];
  /** Copies beside which less is known than elsewhere. */
  readonly behind: readonly { readonly place: string; readonly marks: SnapshotMarks }[];
}

/** What there is, over every place that holds any: read anew each time, as nothing else is the truth. */
export class Catalogue {
  readonly #settings: CatalogueSettings;

  constructor(settings: CatalogueSettings) {
    this.#settings = settings;
  }

  async read(signal: AbortSignal): Promise<CatalogueView> {
    const { agents, copies, sealing, clock } = this.#settings;
    const until = clock.deadline(LIST_TIMEOUT_MS, signal);
    const [answers, stored, trust] = await Promise.all([
      askAll(agents, (client) => client.listSnapshots(until)),
      copies.list(until),
      sealing.trust(signal),
    ]);
    signal.throwIfAborted();
    const held = answers.flatMap(({ result, client }) =>
      (result ?? []).map((each) => judged({ ...each, node: client.node }, trust)),
    );
    const entries = buildCatalogue(held, stored.copies);
    const merged = new Map(entries.map(({ card, marks }) => [card?.id ?? '', marks]));
    const known = [
      ...held.map(({ node, card, marks }) => ({ place: node, id: card?.id ?? '', marks })),
      ...stored.copies.map(({ copy, marks }) => ({ place: copy.store, id: copy.snapshotId, marks })),
    ];
    const behind = known.flatMap(({ place, id, marks }) => {
      const all = merged.get(id);
      return all === undefined || isSame(marks, all) ? [] : [{ place, marks: all }];
    });
    const failures = answers.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
    return { entries, failures: [...failures, ...stored.failures], behind };
  }

  /** Adds marks beside the copy in one place, a node or a store. */
  async mark(place: string, marks: SnapshotMarks, signal: AbortSignal): Promise<void> {
    const { agents, copies, clock } = this.#settings;
    const until = clock.deadline(MARK_TIMEOUT_MS, signal);
    const node = agents.known().find((each) => each.node === place);
    if (node === undefined) await copies.mark(place, marks, until);
    else await agents.client(node).markSnapshot(marks, until);
  }
}

function isSame(marks: SnapshotMarks | undefined, all: SnapshotMarks): boolean {
  if (marks === undefined) return all.pins.length === 0 && all.proofs.length === 0;
  return marksToText(marks) === marksToText(all);
}

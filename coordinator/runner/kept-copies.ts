import { LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { SnapshotMarks } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { marksFromText, marksToText, mergeMarks } from '@lockstep/shared/marks.ts';
import { judgeCopySeal } from '@lockstep/shared/seal/copy.ts';
import { judgeSeals } from '@lockstep/shared/seal/judge.ts';
import type { ListedCopy } from '../core/catalogue.ts';
import type { Copies, Store } from './ports.ts';
import type { Sealing } from './sealing.ts';
import { type CopyInStore, listStore, namesOf, readSmall } from './stored-cards.ts';

/** Some thousand proofs. */
const MAX_MARKS_BYTES = 4 * 1024 * 1024;

/** What stores keep, as the catalogue and deletion see it. */
export class KeptCopies implements Copies {
  readonly #stores: readonly Store[];
  readonly #sealing: Pick<Sealing, 'trust'>;

  constructor(stores: readonly Store[], sealing: Pick<Sealing, 'trust'>) {
    this.#stores = stores;
    this.#sealing = sealing;
  }

  async list(signal: AbortSignal): Promise<{ copies: ListedCopy[]; failures: Failure[] }> {
    const trust = await this.#sealing.trust(signal);
    const answers = await Promise.all(
      this.#stores.map(async (store) => {
        try {
          const { copies, failures } = await listStore(store, signal);
          const listed = await Promise.all(
            copies.map(async (each) => ({
              each,
              marks: await knownMarks(store, each, signal),
              unsealed: judgeCopySeal(each.copy, each.carried, trust, each.content),
            })),
          );
          // Listed nevertheless: it lies there, and whoever is to delete or verify it must find it.
          const told = listed.flatMap(({ unsealed }) =>
            unsealed.map(({ message }) =>
              toFailure(new LockstepError('COPY_SEAL_INVALID', { node: store.name, message })),
            ),
          );
          return { listed, failures: [...failures, ...told] };
        } catch (thrown) {
          return { listed: [], failures: [toFailure(thrown, store.name)] };
        }
      }),
    );
    return {
      copies: answers.flatMap(({ listed }) =>
        listed.map(({ each: { store, copy, carried }, marks, unsealed }) => ({
          copy: { ...copy, store },
          card: carried.card,
          marks,
          distrust: [...unsealed, ...judgeSeals(carried.sealed, trust)],
        })),
      ),
      failures: answers.flatMap(({ failures }) => failures),
    };
  }

  async mark(name: string, marks: SnapshotMarks, signal: AbortSignal): Promise<void> {
    const store = this.#store(name);
    const { snapshotId } = marks;
    const before = await readMarks(store, snapshotId, signal);
    const text = marksToText(mergeMarks(snapshotId, before, marks));
    async function* bytes(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(text);
    }
    await store.put(namesOf(snapshotId).marks, bytes(), signal);
  }

  async remove(name: string, snapshotId: string, signal: AbortSignal): Promise<void> {
    const store = this.#store(name);
    const names = namesOf(snapshotId);
    await store.remove(names.card, signal);
    await store.remove(names.bytes, signal);
    await store.remove(names.marks, signal);
  }

  #store(name: string): Store {
    const store = this.#stores.find((each) => each.name === name);
    if (store !== undefined) return store;
    throw new LockstepError('STORE_UNKNOWN', { message: `There is no store or node ${name}.`, node: name });
  }
}

/** Throws STORE_*, MARKS_UNREADABLE. */
async function readMarks(
  store: Store,
  snapshotId: string,
  signal: AbortSignal,
): Promise<SnapshotMarks | undefined> {
  const { marks: name } = namesOf(snapshotId);
  if ((await store.head(name, signal)) === undefined) return undefined;
  const text = await readSmall(store, name, MAX_MARKS_BYTES, signal);
  try {
    return marksFromText(text.toString('utf8'));
  } catch (cause) {
    const message = `Store ${store.name} holds ${name}, which cannot be read.`;
    throw new LockstepError('MARKS_UNREADABLE', { message, node: store.name, cause });
  }
}

/** What cannot be read may have held a pin, so it counts as one. */
async function knownMarks(
  store: Store,
  { carried }: CopyInStore,
  signal: AbortSignal,
): Promise<SnapshotMarks | undefined> {
  const { id } = carried.card;
  return readMarks(store, id, signal).catch(() => {
    const reason = `its marks in ${store.name} cannot be read`;
    const pin = { by: '', reason, at: '1970-01-01T00:00:00.000Z', evidence: false, removedAt: '' };
    return { snapshotId: id, pins: [pin], proofs: [] };
  });
}

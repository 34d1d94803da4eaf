import { LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { StoredCard, StoredCopy } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { type CarriedCard, carriedCard } from '@lockstep/shared/seal/card.ts';
import type { Store, StoredObject } from './ports.ts';

/** A card with its facts is some ten KiB; what is far larger is none, and must not fill the memory. */
const MAX_CARD_BYTES = 4 * 1024 * 1024;
/** So many cards of a store are read at a time. */
const READ_SIDE_BY_SIDE = 8;

const CARD = '.card.json';
const BYTES = '.snap';
const MARKS = '.marks.json';

/** What a store calls the parts of one copy. */
export function namesOf(snapshotId: string): { bytes: string; card: string; marks: string } {
  return { bytes: `${snapshotId}${BYTES}`, card: `${snapshotId}${CARD}`, marks: `${snapshotId}${MARKS}` };
}

/** One copy, as its card in a store says. */
export interface CopyInStore {
  /** As this coordinator calls the store; the copy may have been made under another name of it. */
  readonly store: string;
  readonly carried: CarriedCard;
  /** As its agent signed it. */
  readonly copy: StoredCopy;
  /** Its JSON without the seal, fields of a newer version too: what the seal covers. */
  readonly content: unknown;
}

export interface StoreListing {
  readonly copies: CopyInStore[];
  /** What is there and is no whole copy: told, and in nobody's way. */
  readonly failures: Failure[];
}

/** A store by its cards alone; there is no list of them to lose. Rejects where the store does not answer. */
export async function listStore(store: Store, signal: AbortSignal): Promise<StoreListing> {
  const objects = new Map((await store.list(signal)).map((each) => [each.name, each]));
  const listing: StoreListing = { copies: [], failures: [] };
  const cards = [...objects.keys()].filter((name) => name.endsWith(CARD));
  for (let at = 0; at < cards.length; at += READ_SIDE_BY_SIDE) {
    await Promise.all(
      cards.slice(at, at + READ_SIDE_BY_SIDE).map(async (name) => {
        try {
          listing.copies.push(await readCopy(store, name.slice(0, -CARD.length), objects, signal));
        } catch (thrown) {
          signal.throwIfAborted();
          listing.failures.push(toFailure(thrown, store.name));
        }
      }),
    );
  }
  for (const name of objects.keys()) {
    const fault = strangerIn(name, objects);
    if (fault === undefined) continue;
    const message = `Store ${store.name} holds ${name}: ${fault}.`;
    listing.failures.push(toFailure(new LockstepError('COPY_DAMAGED', { message, node: store.name })));
  }
  return listing;
}

/** One copy; undefined where the store has none. Throws COPY_DAMAGED, STORE_*. */
export async function findCopy(
  store: Store,
  snapshotId: string,
  signal: AbortSignal,
): Promise<CopyInStore | undefined> {
  const names = namesOf(snapshotId);
  const [card, bytes] = await Promise.all([store.head(names.card, signal), store.head(names.bytes, signal)]);
  if (card === undefined) return undefined;
  const objects = new Map([card, bytes].flatMap((each) => (each === undefined ? [] : [[each.name, each]])));
  return readCopy(store, snapshotId, objects, signal);
}

/** Written last: a copy exists once this does. */
export async function writeCard(
  store: Store,
  { sealed, card }: CarriedCard,
  copy: StoredCopy,
  signal: AbortSignal,
): Promise<void> {
  const text = JSON.stringify(StoredCard.toJSON({ sealed, card, copy }), null, 2);
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(`${text}\n`);
  }
  await store.put(namesOf(copy.snapshotId).card, bytes(), signal);
}

/** A small thing of a store. Throws COPY_NOT_FOUND, COPY_DAMAGED where it is larger than such a thing is. */
export async function readSmall(
  store: Store,
  name: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of store.get(name, 0, signal)) {
    sizeBytes += piece.length;
    if (sizeBytes > maxBytes) {
      throw damaged(store, name, `it has more than ${maxBytes} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

async function readCopy(
  store: Store,
  snapshotId: string,
  objects: ReadonlyMap<string, StoredObject>,
  signal: AbortSignal,
): Promise<CopyInStore> {
  const names = namesOf(snapshotId);
  const text = await readSmall(store, names.card, MAX_CARD_BYTES, signal);
  const { carried, copy, content } = parseCard(store, names.card, text);
  const bytes = objects.get(names.bytes);
  if (carried.card.id !== snapshotId || copy.snapshotId !== snapshotId) {
    throw damaged(store, names.card, `it is the card of ${carried.card.id}`);
  }
  if (bytes === undefined) throw damaged(store, names.card, 'the bytes that it is the card of are not there');
  if (BigInt(bytes.sizeBytes) !== copy.sizeBytes) {
    throw damaged(store, names.bytes, `it has ${bytes.sizeBytes} bytes; stored were ${copy.sizeBytes}`);
  }
  return { store: store.name, carried, copy, content };
}

function parseCard(store: Store, name: string, text: Buffer): Omit<CopyInStore, 'store'> {
  try {
    const read = JSON.parse(text.toString('utf8')) as { readonly copy?: object } | null;
    const { sealed, card, copy } = StoredCard.fromJSON(read);
    const carried = carriedCard(card, sealed);
    if (carried === undefined || copy === undefined) throw new TypeError('it names no snapshot or no copy');
    const content = Object.fromEntries(Object.entries(read?.copy ?? {}).filter(([name]) => name !== 'seal'));
    return { carried, copy, content };
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw damaged(store, name, `it cannot be read as a card (${why})`);
  }
}

function strangerIn(name: string, objects: ReadonlyMap<string, StoredObject>): string | undefined {
  if (name.endsWith(CARD)) return undefined;
  const suffix = [BYTES, MARKS].find((each) => name.endsWith(each));
  if (suffix === undefined) return 'that is no part of a copy';
  const { card } = namesOf(name.slice(0, -suffix.length));
  return objects.has(card) ? undefined : 'its card is not there, so the copy was not ended or is being made';
}

function damaged(store: Store, name: string, why: string): LockstepError {
  return new LockstepError('COPY_DAMAGED', {
    message: `Store ${store.name} holds ${name}, but ${why}.`,
    node: store.name,
  });
}

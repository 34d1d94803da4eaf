import { LockstepError } from '../errors/lockstep-error.ts';
import { type SealedCard, SnapshotCard, type StoredSnapshot } from '../generated/lockstep/v1/snapshot.ts';
import { canonicalJson } from './canonical.ts';

/** A card, and the seals that it carries along; without them where nobody has sealed it. */
export interface CarriedCard {
  readonly card: SnapshotCard;
  readonly sealed: SealedCard | undefined;
}

/** A card's text, once parsed. */
export interface ReadCard {
  readonly card: SnapshotCard;
  /** Whatever the text held, fields of a newer version too: what a seal covers. */
  readonly content: unknown;
}

export function cardJson(card: SnapshotCard): string {
  return canonicalJson(SnapshotCard.toJSON(card));
}

/** Throws SNAPSHOT_CARD_MISMATCH where the text is no card. */
export function readCard(text: string): ReadCard {
  const content = cardContent(text);
  try {
    // What has no canonical text cannot have been sealed.
    canonicalJson(content);
    return { card: SnapshotCard.fromJSON(content), content };
  } catch (cause) {
    throw new LockstepError('SNAPSHOT_CARD_MISMATCH', { message: 'The card cannot be read.', cause });
  }
}

/** What the text holds, a card or not. Throws SNAPSHOT_CARD_MISMATCH where it is no JSON object. */
export function cardContent(text: string): object {
  try {
    const content: unknown = JSON.parse(text);
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content;
    throw new TypeError('no JSON object');
  } catch (cause) {
    throw new LockstepError('SNAPSHOT_CARD_MISMATCH', { message: 'The card cannot be read.', cause });
  }
}

/**
 * What came from elsewhere, with its card read from the sealed text where there is one: whatever
 * else was said to be the card is nobody's word. Throws SNAPSHOT_CARD_MISMATCH.
 */
export function carriedCard(
  card: SnapshotCard | undefined,
  sealed: SealedCard | undefined,
): CarriedCard | undefined {
  if (sealed !== undefined) return { card: readCard(sealed.cardJson).card, sealed };
  return card === undefined ? undefined : { card, sealed };
}

/** The same for a snapshot that an agent holds; a text that is no card leaves it without one. */
export function withCarriedCard(stored: StoredSnapshot): StoredSnapshot {
  if (stored.sealed === undefined) return stored;
  try {
    return { ...stored, card: readCard(stored.sealed.cardJson).card };
  } catch {
    return { ...stored, card: undefined };
  }
}

/**
 * Whether everything that the card says is in the sealed one. That may say more: it keeps fields
 * of a newer version, which whoever made the other one did not know.
 */
export function saysTheSame(card: SnapshotCard, sealed: SealedCard): boolean {
  const carried = carriedCard(undefined, sealed);
  return carried !== undefined && isWithin(SnapshotCard.toJSON(card), SnapshotCard.toJSON(carried.card));
}

function isWithin(part: unknown, whole: unknown): boolean {
  if (typeof part !== 'object' || part === null) return part === whole;
  if (typeof whole !== 'object' || whole === null) return false;
  if (Array.isArray(part)) {
    return (
      Array.isArray(whole) &&
      part.length === whole.length &&
      part.every((each, at) => isWithin(each, whole[at]))
    );
  }
  return Object.entries(part).every(([key, value]) => isWithin(value, Reflect.get(whole, key)));
}

import { Seal, type SealedCard, SnapshotCard } from '../generated/lockstep/v1/snapshot.ts';
import { canonicalJson } from './canonical.ts';
import { type CarriedCard, cardContent, readCard } from './card.ts';

/**
 * `ID.json`, for people to read: `{ "card": {…}, "seals": [{signer, signedAt, certificate,
 * signature}] }`, bytes in base64. Spaces and the order of keys count for nothing; any other
 * difference within `card` breaks the seals.
 */
export function cardFileText({ card, sealed }: CarriedCard): string {
  const content = sealed === undefined ? SnapshotCard.toJSON(card) : cardContent(sealed.cardJson);
  const seals = (sealed?.seals ?? []).map((seal) => Seal.toJSON(seal));
  return `${JSON.stringify({ card: content, seals }, null, 2)}\n`;
}

/**
 * What such a file says. A file that is a card by itself, as they were before seals, is a card
 * that nobody sealed. Throws where it is neither; the seals are not judged.
 */
export function parseCardFile(text: string): CarriedCard {
  const file: unknown = JSON.parse(text);
  if (!isRecord(file)) throw new TypeError('no JSON object');
  if (!isRecord(file['card']) || !Array.isArray(file['seals'])) {
    return { card: readCard(JSON.stringify(file)).card, sealed: undefined };
  }
  const cardJson = canonicalJson(file['card']);
  // Of a large store a card has thousands of counts: what was just made canonical is not read again.
  const card = SnapshotCard.fromJSON(file['card']);
  const seals = file['seals'].map((each: unknown) => Seal.fromJSON(each));
  const sealed: SealedCard | undefined = seals.length === 0 ? undefined : { cardJson, seals };
  return { card, sealed };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

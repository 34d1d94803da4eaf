import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Check } from './check.ts';

/** The snapshot exists, has a card, and at least one copy is whole and what its card says. */
export const checkSnapshot: Check = ({ snapshot, facts }) => {
  if (snapshot.copies.length === 0) {
    const [store] = snapshot.inStores ?? [];
    if (store !== undefined) {
      return [
        refusal(
          'SNAPSHOT_NOT_FETCHED',
          `${snapshot.id} lies in store ${store}, and on no node that answered`,
        ),
      ];
    }
    return [refusal('SNAPSHOT_NOT_FOUND', `no node that answered holds ${snapshot.id}`)];
  }
  if (snapshot.card === undefined) {
    return [refusal('SNAPSHOT_CARD_MISSING', `${snapshot.id} has no card on any node`)];
  }
  if (facts === undefined) return snapshot.copies.flatMap((copy) => copy.refusals);
  const taken = snapshot.card.facts;
  if (taken !== undefined && taken.fileSha256 !== facts.fileSha256) {
    const words = `the card names the digest ${taken.fileSha256}, the bytes have ${facts.fileSha256}`;
    return [refusal('SNAPSHOT_CARD_MISMATCH', words)];
  }
  if (!facts.trailerPresent) return [refusal('SNAPSHOT_TRAILER_MISSING', `${snapshot.id} has no trailer`)];
  if (!facts.trailerValid) {
    return [refusal('SNAPSHOT_TRAILER_MISMATCH', `the trailer of ${snapshot.id} does not match its bytes`)];
  }
  return [];
};

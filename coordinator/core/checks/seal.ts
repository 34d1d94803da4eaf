import type { Check } from './check.ts';

/** The card is sealed by an agent and a coordinator that are trusted: judged before, by keys. */
export const checkSeal: Check = ({ snapshot }) => snapshot.distrust;

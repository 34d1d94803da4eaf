import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import { isAboutStoredBytes, lastProof } from '../standing.ts';
import type { Check } from './check.ts';

/** Nobody's last proof of the snapshot says that it is bad; a restore reads no copy in a store. */
export const checkProven: Check = ({ snapshot }) => {
  const last = lastProof((snapshot.proofs ?? []).filter((proof) => !isAboutStoredBytes(proof)));
  if (last?.failure === undefined) return [];
  const words = `${snapshot.id} was found to be bad on ${last.place} at ${last.at}: ${last.failure.code}, ${last.failure.message}`;
  return [refusal('SNAPSHOT_PROVEN_BAD', words)];
};

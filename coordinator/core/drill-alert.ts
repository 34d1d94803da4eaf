import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Proof } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { isAboutStoredBytes } from './standing.ts';

/** What somebody is woken by: which snapshot, where, what is wrong with it, and what to do. */
export function foundBad(snapshotId: string, proof: Proof, { code, message, cure }: Failure): string {
  const what = isAboutStoredBytes(proof)
    ? `The copy of ${snapshotId} in ${proof.place} is BAD`
    : `Snapshot ${snapshotId} is BAD on ${proof.place}`;
  return `${what}, as a drill found: ${code}: ${sentence(message)} ${cure}`.trim();
}

/** The same of a drill that could not be done: nothing is known of the snapshot by it. */
export function notDrilled(snapshotId: string, { code, message, node, cure, causes }: Failure): string {
  const what =
    snapshotId === '' ? 'No snapshot could be drilled' : `Snapshot ${snapshotId} could not be drilled`;
  const where = node === '' ? '' : ` on ${node}`;
  const [cause] = causes;
  const words = cause === undefined ? sentence(message) : `${sentence(message)} (${cause})`;
  return `${what}${where}, which says nothing of whether it is good: ${code}: ${words} ${cure}`.trim();
}

function sentence(words: string): string {
  return /[.!?]$/u.test(words) ? words : `${words}.`;
}

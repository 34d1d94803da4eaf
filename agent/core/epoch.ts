import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';

/** Strictly greater: the number decides; the coordinator's id breaks no tie. */
export function isGreater(candidate: Epoch, than: Epoch): boolean {
  return candidate.number > than.number;
}

export function isSame(a: Epoch, b: Epoch): boolean {
  return a.number === b.number && a.coordinatorId === b.coordinatorId;
}

/** "7 of coordinator-1", for messages. */
export function epochText(epoch: Epoch | undefined): string {
  return epoch === undefined ? 'none' : `${epoch.number} of ${epoch.coordinatorId}`;
}

import type { StepContext } from '../step.ts';
import { findStores, notAsRecorded, swapRecord } from '../swap-record.ts';

/** A live etcd manifest implies exactly one complete data directory in place: NEW, seen now. */
export async function requireNewInPlace(
  { node, paths, effects, ports }: StepContext,
  signal: AbortSignal,
): Promise<void> {
  const recorded = swapRecord(effects);
  const found = await findStores(ports.stores, paths, recorded, signal);
  if (recorded === undefined || found.store !== 'new') throw notAsRecorded(node, paths, found, recorded);
}

import type { WorldView } from '../world/view.ts';
import { comesBack } from './comes-back.ts';
import { commitExcludesUndo } from './commit-excludes-undo.ts';
import { completedIsDurable } from './completed-is-durable.ts';
import { endsRightly } from './ends-rightly.ts';
import { type Check, type Invariant, InvariantBroken } from './invariant.ts';
import { knownIsRecorded } from './known-is-recorded.ts';
import { liveManifest } from './live-manifest.ts';
import { neverServesOld } from './never-serves-old.ts';
import { oldWhole } from './old-whole.ts';
import { oneEtcd } from './one-etcd.ts';
import { orderOnDisk } from './order-on-disk.ts';
import { promisedEpoch } from './promised-epoch.ts';
import { promisesRise } from './promises-rise.ts';
import { sameContent } from './same-content.ts';
import { saysTheTruth } from './says-the-truth.ts';
import { sourcesUnwritten } from './sources-unwritten.ts';
import { writesKept } from './writes-kept.ts';

/** In the order of the design's invariants, each with what it rests on. */
export const INVARIANTS: readonly Invariant[] = [
  oneEtcd,
  oldWhole,
  liveManifest,
  orderOnDisk,
  promisedEpoch,
  promisesRise,
  endsRightly,
  saysTheTruth,
  sameContent,
  writesKept,
  commitExcludesUndo,
  sourcesUnwritten,
  completedIsDurable,
  knownIsRecorded,
  comesBack,
  neverServesOld,
];

/** Checks of one operation, for after every event. Throws InvariantBroken. */
export function watchAll(invariants: readonly Invariant[] = INVARIANTS): (world: WorldView) => void {
  const checks: readonly Check[] = invariants.map((each) => each.watch());
  return (world) => {
    for (let index = 0; index < checks.length; index += 1) {
      const how = checks[index]?.(world);
      if (how !== undefined) throw new InvariantBroken(invariants[index]?.name ?? '', how);
    }
  };
}

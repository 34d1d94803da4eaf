import { catalogue, isErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import type { GetCatalogueResponse } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { type CatalogueEntry, ProofKind } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { brokenPlaces, lastProof } from '../../core/standing.ts';
import type { Check } from '../render/doctor.ts';
import { age } from '../render/units.ts';

/** More would hide what else is wrong; `snapshot list` has them all. */
const MOST_TOLD = 5;

const COPY_ANEW = 'Put a new one there with `lockstep snapshot copy`, then run `lockstep snapshot verify`.';

type Catalogue = Pick<GetCatalogueResponse, 'entries' | 'failures'>;

/** What there is to restore, and when it was last proven that it can be. Entries come newest first. */
export function snapshotsWord({ entries }: Catalogue, nowMs: number): string {
  const good = entries.find(({ standing }) => standing === 'good');
  const drills = entries.flatMap(({ marks }) => marks?.proofs ?? []);
  const drill = lastProof(
    drills.filter((proof) => proof.failure === undefined),
    ProofKind.PROOF_KIND_DRILL,
  );
  const ago = (at: string): string => `${age(Date.parse(at), nowMs)} ago`;
  const newest =
    good === undefined ? 'none of them good' : `the newest good one taken ${ago(good.card?.takenAt ?? '')}`;
  const drilled = drill === undefined ? 'never a good drill' : `the last good drill ${ago(drill.at)}`;
  return `${entries.length}, ${newest}, ${drilled}`;
}

/** Snapshots and copies that are not what they should be, and places that do not say what they hold. */
export function snapshotChecks({ entries, failures }: Catalogue): Check[] {
  const newestGood = entries.findIndex(({ standing }) => standing === 'good');
  const found = entries.flatMap((entry, index) =>
    entryChecks(entry, newestGood === -1 || index < newestGood),
  );
  const left = found.length - MOST_TOLD;
  return [
    ...(entries.length === 0 ? [nothingToRestore()] : []),
    ...found.slice(0, MOST_TOLD),
    ...(left > 0
      ? [warning('snapshots', 'SNAPSHOT_PROVEN_BAD', `So are ${left} more.`, 'See `lockstep snapshot list`.')]
      : []),
    ...failures.map(({ node, code, message, cure }) => warning(`place ${node}`, code, message, cure)),
  ];
}

/** A bad one that a good one has followed is worth a word; one that is the newest is worth a night. */
function entryChecks(entry: CatalogueEntry, isNewest: boolean): Check[] {
  const { card, distrust, marks, standing, standingReason } = entry;
  const id = card?.id ?? '';
  if (standing === 'good') {
    return brokenPlaces(entry).map((place) =>
      warning(
        'snapshots',
        brokenCode(entry, place),
        `The copy of ${id} at ${place} was found broken; another is good.`,
        COPY_ANEW,
      ),
    );
  }
  const last = lastProof((marks?.proofs ?? []).filter(({ failure }) => failure !== undefined));
  const code = distrust[0]?.code ?? last?.failure?.code ?? 'SNAPSHOT_PROVEN_BAD';
  const check = warning('snapshots', code, `${id} is ${standing}: ${standingReason}.`, cureOf(code));
  return [isNewest && standing === 'bad' ? { ...check, verdict: 'fail' } : check];
}

function brokenCode({ marks }: CatalogueEntry, place: string): string {
  return lastProof((marks?.proofs ?? []).filter((proof) => proof.place === place))?.failure?.code ?? '';
}

function nothingToRestore(): Check {
  const message = 'There is no snapshot: there would be nothing to go back to.';
  return warning('snapshots', 'SNAPSHOT_NOT_FOUND', message, 'Take one with `lockstep snapshot save`.');
}

function cureOf(code: string): string {
  return isErrorCode(code) ? catalogue[code].cure : catalogue.SNAPSHOT_PROVEN_BAD.cure;
}

function warning(name: string, code: string, message: string, cure: string): Check {
  return { name, verdict: 'warn', code, message, cure };
}

import type { CatalogueEntry, Proof } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { ProofKind } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';

/**
 * What a snapshot is held for. `good`: its card is trusted and no proof says otherwise; `bad`: it
 * is not trusted, or every copy of it was found broken; `unknown`: something of it was found
 * broken, and nothing that is there was proven good.
 */
export type Standing = 'good' | 'bad' | 'unknown';

export interface Judged {
  readonly standing: Standing;
  /** Why it is not good; empty where it is. */
  readonly reason: string;
}

export type Judgeable = Pick<CatalogueEntry, 'distrust' | 'held' | 'copies' | 'marks'>;

/** Names of the nodes and stores that hold it. */
export function placesOf({ held, copies }: Pick<CatalogueEntry, 'held' | 'copies'>): string[] {
  return [...held.map(({ node }) => node), ...copies.map(({ store }) => store)];
}

/** The last proof at a place decides there; what a place that holds it no more had found still warns. */
export function judgeStanding(entry: Judgeable): Judged {
  const [distrusted] = entry.distrust;
  if (distrusted !== undefined) {
    return { standing: 'bad', reason: `${distrusted.code}: ${distrusted.message}` };
  }
  const latest = latestByPlace(entry.marks?.proofs ?? []);
  const places = placesOf(entry);
  const here = places.map((place) => latest.get(place));
  const broken = [...latest.values()].filter(isBad);
  if (broken.length === 0) return { standing: 'good', reason: '' };
  if (here.some((proof) => proof !== undefined && !isBad(proof))) return { standing: 'good', reason: '' };
  const reason = broken.map(badWord).join('; ');
  const allBad = here.length > 0 && here.every((proof) => proof !== undefined && isBad(proof));
  return { standing: allBad ? 'bad' : 'unknown', reason };
}

/** True where this copy was found broken and not proven since. */
export function isBrokenAt(entry: Judgeable, place: string): boolean {
  return isBadAt(entry.marks?.proofs ?? [], place);
}

/** True where the last of these proofs at that place is a bad one. */
export function isBadAt(proofs: readonly Proof[], place: string): boolean {
  const proof = latestByPlace(proofs).get(place);
  return proof !== undefined && isBad(proof);
}

/** Places that hold it and whose copy was found broken and not proven since: each is to be replaced. */
export function brokenPlaces(entry: Judgeable): string[] {
  return placesOf(entry).filter((place) => isBrokenAt(entry, place));
}

/** True where a copy in a store is damaged, as it is stored: that says nothing of any other copy. */
export function isAboutStoredBytes({ failure }: Proof): boolean {
  return failure?.code === 'COPY_DAMAGED' || failure?.code === 'COPY_SEAL_INVALID';
}

/** The proof that was made last, of this kind or of any. */
export function lastProof(proofs: readonly Proof[], kind?: ProofKind): Proof | undefined {
  return proofs
    .filter((proof) => kind === undefined || proof.kind === kind)
    .reduce<Proof | undefined>(
      (last, proof) => (last === undefined || isLater(proof, last) ? proof : last),
      undefined,
    );
}

function latestByPlace(proofs: readonly Proof[]): Map<string, Proof> {
  const latest = new Map<string, Proof>();
  for (const proof of proofs) {
    const before = latest.get(proof.place);
    if (before === undefined || isLater(proof, before)) latest.set(proof.place, proof);
  }
  return latest;
}

/** Of two at one time the bad one counts. */
function isLater(proof: Proof, than: Proof): boolean {
  const [at, before] = [Date.parse(proof.at) || 0, Date.parse(than.at) || 0];
  return at === before ? isBad(proof) && !isBad(than) : at > before;
}

function isBad(proof: Proof): boolean {
  return proof.failure !== undefined;
}

function badWord({ kind, place, at, failure }: Proof): string {
  const what = kind === ProofKind.PROOF_KIND_DRILL ? 'drill' : 'verify';
  return `${what} on ${place} at ${at}: ${failure?.code ?? ''}`;
}

import { Revocation } from '../generated/lockstep/v1/snapshot.ts';
import { type Authority, checkSeal, isFault, makeSeal, type SigningIdentity } from './seal.ts';

/** A revocation with a coordinator's seal on it. */
export function sealRevocation(
  revocation: Omit<Revocation, 'seal'>,
  signer: SigningIdentity,
  nowMs: number,
): Revocation {
  const bare = { ...revocation, seal: undefined };
  return { ...bare, seal: makeSeal('revocation', Revocation.toJSON(bare), signer, nowMs) };
}

/** Whether a coordinator of this cluster said so. */
export function isGenuine(revocation: Revocation, authority: Authority): boolean {
  if (revocation.seal === undefined || Number.isNaN(Date.parse(revocation.since))) return false;
  const content = Revocation.toJSON({ ...revocation, seal: undefined });
  const checked = checkSeal('revocation', content, revocation.seal, authority);
  return !isFault(checked) && checked.identity.role === 'coordinator';
}

/** One for each signer, the earliest: trust that was withdrawn is not given back by a later word. */
export function unionOf(...lists: readonly (readonly Revocation[])[]): Revocation[] {
  const earliest = new Map<string, Revocation>();
  for (const each of lists.flat()) {
    const known = earliest.get(each.signer);
    if (known === undefined || isBefore(each, known)) earliest.set(each.signer, each);
  }
  return [...earliest.values()].sort((a, b) => (a.signer < b.signer ? -1 : 1));
}

/** The same signers, since the same moments. */
export function isSameList(one: readonly Revocation[], other: readonly Revocation[]): boolean {
  const text = (list: readonly Revocation[]): string =>
    unionOf(list)
      .map(({ signer, since }) => `${signer} ${Date.parse(since)}`)
      .join('\n');
  return text(one) === text(other);
}

/** Total, so that every union of the same lists is the same list. */
function isBefore(one: Revocation, other: Revocation): boolean {
  const [a, b] = [Date.parse(one.since), Date.parse(other.since)];
  if (a !== b) return a < b;
  return `${one.at} ${one.by} ${one.reason}` < `${other.at} ${other.by} ${other.reason}`;
}

import { placeText, utf8 } from '../resource-name.ts';
import { shellWord } from '../shell-word.ts';
import { traitId } from './declared-rule.ts';
import { type Finding, type FoundObject, type FoundTrait, type Standing, severityRank } from './finding.ts';
import type { Scan, Track } from './scan.ts';

/** What a scan comes to, worst first, then by revision. With a baseline only what that does not show. */
export function findingsOf(found: Scan, baseline?: Scan): Finding[] {
  const known = baseline === undefined ? undefined : new Known(baseline);
  const kept = found.tracks.flatMap((track) => {
    const traits = tellingTraits(track, known, found.namespaces);
    return traits.length === 0 ? [] : [{ ...track, traits }];
  });
  if (baseline !== undefined) kept.push(...vanished(found, baseline));
  const groups = Map.groupBy(kept, (track) => `${track.rule.id}\0${rootOf(track)}`);
  return [...groups.values()].map(toFinding).sort(worstFirst);
}

export function worstFirst(a: Finding, b: Finding): number {
  return (
    severityRank(b.severity) - severityRank(a.severity) ||
    a.sinceRevision - b.sinceRevision ||
    compareText(a.id, b.id) ||
    compareText(a.subject, b.subject)
  );
}

/** What the baseline shows, by rule and object. */
class Known {
  readonly #of = new Map<
    string,
    { live: boolean; readonly standing: Set<string>; readonly ever: Set<string> }
  >();

  constructor({ tracks }: Scan) {
    for (const track of tracks) {
      const id = `${track.rule.id}\0${track.identity}`;
      const own = this.#of.get(id) ?? { live: false, standing: new Set(), ever: new Set() };
      this.#of.set(id, own);
      own.live ||= !track.deleted;
      for (const trait of track.traits) {
        own.ever.add(traitId(trait));
        if (trait.standing === 'live') own.standing.add(traitId(trait));
      }
    }
  }

  object(track: Track): boolean {
    return this.#of.get(`${track.rule.id}\0${track.identity}`)?.live ?? false;
  }

  /** The object has it, or what makes objects of its sort: pods come and go under new names. */
  trait(track: Track, trait: FoundTrait): boolean {
    return [track.identity, ...track.owners].some((identity) => {
      const own = this.#of.get(`${track.rule.id}\0${identity}`);
      return (trait.standing === 'live' ? own?.standing : own?.ever)?.has(traitId(trait)) ?? false;
    });
  }
}

function tellingTraits(
  track: Track,
  known: Known | undefined,
  namespaces: ReadonlySet<string>,
): readonly FoundTrait[] {
  const { reports } = track.rule;
  if (reports === 'removed') {
    const gone = track.deleted && stands(track, namespaces) && known?.object(track) !== false;
    return gone ? track.traits.map((trait) => removedAt(trait, track.deletedAt)) : [];
  }
  if (reports === 'new' && known === undefined) return [];
  if (reports === 'changed' && known?.object(track) !== true) return [];
  return track.traits.filter((trait) => known === undefined || !known.trait(track, trait));
}

/** What went with its namespace was not aimed at. */
function stands({ namespace }: Track, namespaces: ReadonlySet<string>): boolean {
  return namespace === '' || namespaces.has(namespace);
}

function removedAt(trait: FoundTrait, revision: number): FoundTrait {
  return { ...trait, standing: 'deleted', sinceRevision: revision, author: { tool: '', at: '' } };
}

/** What the baseline had and this store does not even have a tombstone of. */
function vanished(found: Scan, baseline: Scan): Track[] {
  const here = new Set(found.tracks.map((track) => `${track.rule.id}\0${track.identity}`));
  return baseline.tracks
    .filter(({ rule, deleted }) => rule.reports === 'removed' && !deleted)
    .filter((track) => !here.has(`${track.rule.id}\0${track.identity}`))
    .filter((track) => stands(track, found.namespaces))
    .map((track) => ({
      ...track,
      deleted: true,
      revision: 0,
      traits: track.traits.map((trait) => removedAt(trait, found.facts.compactRevision)),
    }));
}

function rootOf({ group, owners, identity }: Track): string {
  return group === '' ? (owners.at(-1) ?? identity) : group;
}

function toFinding(tracks: readonly Track[]): Finding {
  const [first] = tracks;
  const { id, title, techniques, severity, why, innocent } = first!.rule;
  const root = rootOf(first!);
  const ordered = tracks
    .map((track) => ({ track, object: toObject(track) }))
    .sort(
      (a, b) =>
        Number(b.track.identity === root) - Number(a.track.identity === root) ||
        sinceOf(a.object.traits) - sinceOf(b.object.traits) ||
        compareText(a.object.key, b.object.key),
    );
  const objects = ordered.map(({ object }) => object);
  const own = ordered.find(({ track }) => track.identity === root)?.track;
  const traits = objects.flatMap((object) => object.traits);
  const earliest = traits.reduce((a, b) => (b.sinceRevision < a.sinceRevision ? b : a));
  return {
    id,
    title,
    techniques,
    severity,
    why,
    innocent,
    subject: own === undefined || first!.group !== '' ? root : placeText(own),
    objects,
    sinceRevision: earliest.sinceRevision,
    author: earliest.author,
    check: checkCommand(objects[0]!),
  };
}

function toObject({ key, resource, namespace, name, traits, revision }: Track): FoundObject {
  return { key: utf8(key), resource, namespace, name, standing: standingOf(traits), traits, revision };
}

const LASTING: readonly Standing[] = ['live', 'overwritten', 'deleted', 'carved'];

function standingOf(traits: readonly FoundTrait[]): Standing {
  return LASTING.find((standing) => traits.some((trait) => trait.standing === standing)) ?? 'live';
}

function sinceOf(traits: readonly FoundTrait[]): number {
  return Math.min(...traits.map(({ sinceRevision }) => sinceRevision));
}

/** FILE is the store that was looked at. */
function checkCommand({ key, standing, revision }: FoundObject): string {
  if (key === '') return 'lockstep snapshot show FILE';
  const quoted = shellWord(key);
  return standing === 'live'
    ? `lockstep inspect get FILE ${quoted} --revision ${revision}`
    : `lockstep inspect history FILE ${quoted}`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

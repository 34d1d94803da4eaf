import type { Evidence, EvidenceFacts, Row } from '@lockstep/shared/evidence/evidence.ts';
import { isEncrypted } from '@lockstep/shared/kubernetes/envelope.ts';
import { at, type JsonObject, listOf, textOf } from '@lockstep/shared/kubernetes/stored-object.ts';
import { EarlierVersions } from '../earlier-versions.ts';
import type { ObjectDecoder } from '../live.ts';
import { type ObjectPlace, placeOf } from '../resource-name.ts';
import { authorOf } from './author.ts';
import { meansResource, traitId } from './declared-rule.ts';
import type { Author, FoundTrait, Standing, Trait } from './finding.ts';
import type { ObjectRule, Observer, Rule, StoreRule, StoreTrait } from './rule.ts';

/** What a store shows to a set of rules, before anything is compared or put together. */
export interface Scan {
  readonly facts: EvidenceFacts;
  readonly tracks: readonly Track[];
  readonly unread: readonly Unread[];
  readonly namespaces: ReadonlySet<string>;
}

/** One object under one rule, over all versions of it that are left. */
export interface Track extends ObjectPlace {
  readonly rule: Rule;
  /** latin1 */
  readonly key: string;
  /** "DaemonSet kube-system/gpu-metrics": the same in another snapshot, whatever its key and uid. */
  readonly identity: string;
  /** Identities of those that it belongs to, the nearest first. */
  readonly owners: readonly string[];
  readonly traits: readonly FoundTrait[];
  /** Last revision that shows a trait. */
  readonly revision: number;
  /** The object is gone, whatever its last version was. */
  readonly deleted: boolean;
  /** 0 while it lives. */
  readonly deletedAt: number;
  readonly group: string;
}

/** Objects that rules wanted to look into and could not. */
export interface Unread {
  readonly resource: string;
  readonly count: number;
  readonly why: string;
}

/**
 * Shows every version of every object that the store still holds to the rules: what was undone
 * again must not hide. Versions follow each other by revision, so one walk is enough; what free
 * pages hold comes after it.
 */
export function scan(evidence: Evidence, decoder: ObjectDecoder, rules: readonly Rule[]): Scan {
  const walk = new Walk(evidence, decoder, rules);
  evidence.rows((row) => walk.row(row));
  const ofStore = walk.conclude();
  evidence.carved((row) => {
    if (!row.deleted) walk.carved(row);
  });
  return {
    facts: evidence.facts,
    tracks: [...walk.tracks(), ...ofStore],
    unread: walk.unread(),
    namespaces: walk.namespaces,
  };
}

interface OpenTrack extends ObjectPlace {
  readonly rule: ObjectRule;
  readonly key: string;
  identity: string;
  readonly owners: string[];
  readonly traits: Map<string, { trait: Trait; since: number; author: Author; standing: Standing }>;
  revision: number;
  deleted: boolean;
  deletedAt: number;
}

class Walk {
  readonly #evidence: Evidence;
  readonly #decoder: ObjectDecoder;
  readonly #earlier: EarlierVersions;
  readonly #objectRules: readonly ObjectRule[];
  readonly #observers: readonly { readonly rule: StoreRule; readonly observer: Observer }[];
  readonly #rulesOf = new Map<string, readonly ObjectRule[]>();
  /** By key, then rule: only where some version showed a trait. */
  readonly #tracks = new Map<string, Map<ObjectRule, OpenTrack>>();
  readonly #ownerOf = new Map<string, string>();
  readonly namespaces = new Set<string>();
  readonly #unread = new Map<string, { resource: string; why: string; keys: Set<string> }>();
  #bumpRevision: number | undefined;

  constructor(evidence: Evidence, decoder: ObjectDecoder, rules: readonly Rule[]) {
    this.#evidence = evidence;
    this.#decoder = decoder;
    this.#earlier = new EarlierVersions(evidence, decoder);
    this.#objectRules = rules.filter((rule) => rule.kind === 'object');
    this.#observers = rules
      .filter((rule) => rule.kind === 'store')
      .map((rule) => ({ rule, observer: rule.observe() }));
  }

  row(row: Row): void {
    const { key, main, sub, deleted, lease } = row;
    // A restore that raises the revision leaves an empty row at its height.
    if (key === '') this.#bumpRevision = main;
    const place = placeOf(key, this.#evidence.facts.registryPrefix);
    if (place.resource === 'namespaces') {
      if (deleted) this.namespaces.delete(place.name);
      else this.namespaces.add(place.name);
    }
    const seen = { ...place, key, main, sub, deleted, lease, encrypted: isEncrypted(row.value) };
    for (const { observer } of this.#observers) observer.row?.(seen);
    if (deleted) this.#deleted(row);
    else if (this.#version(row, place, 'live')) this.#earlier.keep(row);
  }

  carved(row: Row): void {
    this.#version(row, placeOf(row.key, this.#evidence.facts.registryPrefix), 'carved');
  }

  conclude(): Track[] {
    const { form, facts } = this.#evidence;
    const store = { form, facts, namespaces: this.namespaces, bumpRevision: this.#bumpRevision };
    return this.#observers.flatMap(({ rule, observer }) =>
      observer.conclude(store).map((found) => storeTrack(rule, found)),
    );
  }

  *tracks(): Generator<Track> {
    for (const byRule of this.#tracks.values()) {
      for (const { traits, owners, ...track } of byRule.values()) {
        yield {
          ...track,
          owners: this.#allOwners(owners),
          group: '',
          traits: [...traits.values()].map(({ trait, since, author, standing }) => ({
            ...trait,
            sinceRevision: since,
            author,
            standing,
          })),
        };
      }
    }
  }

  unread(): Unread[] {
    return [...this.#unread.values()]
      .filter(({ keys }) => keys.size > 0)
      .map(({ resource, why, keys }) => ({ resource, why, count: keys.size }));
  }

  #deleted(row: Row): void {
    const { key, main } = row;
    this.#earlier.forget(row);
    for (const entries of this.#unread.values()) entries.keys.delete(key);
    for (const track of this.#tracks.get(key)?.values() ?? []) {
      track.deleted = true;
      track.deletedAt = main;
      for (const entry of track.traits.values()) entry.standing = 'deleted';
    }
  }

  /** False where no rule wants to see it. */
  #version(row: Row, place: ObjectPlace, standing: 'live' | 'carved'): boolean {
    const rules = this.#wanting(place.resource).filter((rule) => rule.selects(place));
    if (rules.length === 0) return false;
    const decoded = this.#decoder.decode(row.value, { key: row.key, modRevision: row.main });
    if (decoded.form !== 'object' || !decoded.described) {
      if (standing === 'live') this.#couldNotRead(row.key, place.resource, decoded);
      if (decoded.form !== 'object') return true;
    }
    for (const entries of this.#unread.values()) {
      if (decoded.described && standing === 'live') entries.keys.delete(row.key);
    }
    const { object } = decoded;
    this.#noteOwner(object);
    const known = this.#tracks.get(row.key);
    for (const rule of rules) {
      const traits = rule.traits(object, place);
      const track = known?.get(rule);
      if (traits.length > 0)
        this.#show(track ?? this.#open(rule, row.key, place, standing), traits, row, object, standing);
      else if (track !== undefined && standing === 'live') passOver(track, new Set());
    }
    return true;
  }

  #wanting(resource: string): readonly ObjectRule[] {
    let rules = this.#rulesOf.get(resource);
    if (rules === undefined) {
      rules =
        resource === '' ? [] : this.#objectRules.filter((rule) => meansResource(rule.resources, resource));
      this.#rulesOf.set(resource, rules);
    }
    return rules;
  }

  #open(rule: ObjectRule, key: string, place: ObjectPlace, standing: 'live' | 'carved'): OpenTrack {
    const track: OpenTrack = {
      rule,
      key,
      ...place,
      identity: '',
      owners: [],
      traits: new Map(),
      revision: 0,
      deleted: standing === 'carved',
      deletedAt: 0,
    };
    let byRule = this.#tracks.get(key);
    if (byRule === undefined) this.#tracks.set(key, (byRule = new Map()));
    byRule.set(rule, track);
    return track;
  }

  #show(
    track: OpenTrack,
    traits: readonly Trait[],
    row: Row,
    object: JsonObject,
    standing: 'live' | 'carved',
  ): void {
    const { main } = row;
    if (standing === 'live') {
      track.deleted = false;
      track.deletedAt = 0;
      passOver(track, new Set(traits.map(traitId)));
    }
    track.identity = identityOf(textOf(at(object, 'kind')), track);
    const owner = ownerOf(object);
    if (owner !== undefined && !track.owners.includes(owner)) track.owners.push(owner);
    if (traits.length === 0) return;
    track.revision = Math.max(track.revision, main);
    let author: Author | undefined;
    for (const trait of traits) {
      const id = traitId(trait);
      const entry = track.traits.get(id);
      if (entry !== undefined && standing === 'live') entry.standing = 'live';
      else if (entry === undefined || main < entry.since) {
        author ??= this.#author(row, object, standing);
        if (entry === undefined) track.traits.set(id, { trait, since: main, author, standing });
        else Object.assign(entry, { since: main, author });
      }
    }
  }

  #author(row: Row, object: JsonObject, standing: 'live' | 'carved'): Author {
    // What lay around a row in a free page is not known.
    const before = standing === 'live' ? this.#earlier.of(row) : undefined;
    return authorOf(object, {
      created: row.createRevision === row.main,
      ...(before?.form === 'object' ? { object: before.object } : {}),
    });
  }

  #noteOwner(object: JsonObject): void {
    const owner = ownerOf(object);
    if (owner === undefined || textOf(at(object, 'kind')) === 'Pod') return;
    const metadata = at(object, 'metadata');
    const own = { namespace: textOf(at(metadata, 'namespace')), name: textOf(at(metadata, 'name')) };
    this.#ownerOf.set(identityOf(textOf(at(object, 'kind')), own), owner);
  }

  /** A pod's replica set, and that one's deployment. */
  #allOwners(nearest: readonly string[]): string[] {
    const all = new Set(nearest);
    for (const owner of all) {
      const next = this.#ownerOf.get(owner);
      if (next !== undefined) all.add(next);
    }
    return [...all];
  }

  #couldNotRead(key: string, resource: string, decoded: ReturnType<ObjectDecoder['decode']>): void {
    const why =
      decoded.form === 'encrypted'
        ? `encrypted (${decoded.prefix.provider} ${decoded.prefix.keyName})`
        : decoded.form === 'object'
          ? 'of a kind that is known by its metadata only'
          : decoded.why;
    const id = `${resource}\0${why}`;
    const entries = this.#unread.get(id) ?? { resource, why, keys: new Set() };
    this.#unread.set(id, entries);
    entries.keys.add(key);
  }
}

/** A new version: what it does not show any more is of an earlier one. */
function passOver(track: OpenTrack, still: ReadonlySet<string>): void {
  for (const [id, entry] of track.traits) {
    if (!still.has(id) && entry.standing === 'live') entry.standing = 'overwritten';
  }
}

function storeTrack(rule: StoreRule, found: StoreTrait): Track {
  const { resource, namespace, name, key, trait, revision, deleted, group } = found;
  return {
    rule,
    key,
    resource,
    namespace,
    name,
    identity: identityOf(resource, { namespace, name }),
    owners: [],
    revision,
    deleted,
    deletedAt: deleted ? revision : 0,
    group,
    traits: [
      {
        ...trait,
        standing: deleted ? 'deleted' : 'live',
        sinceRevision: revision,
        author: { tool: '', at: '' },
      },
    ],
  };
}

function identityOf(kind: string, { namespace, name }: { namespace: string; name: string }): string {
  return namespace === '' ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

/** Who controls the object; a node controls its mirror pods only in name. */
function ownerOf(object: JsonObject): string | undefined {
  const metadata = at(object, 'metadata');
  const owner = listOf(at(metadata, 'ownerReferences')).find((each) => at(each, 'controller') === true);
  const kind = textOf(at(owner, 'kind'));
  if (kind === '' || kind === 'Node') return undefined;
  return identityOf(kind, { namespace: textOf(at(metadata, 'namespace')), name: textOf(at(owner, 'name')) });
}

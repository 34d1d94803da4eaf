import type { Evidence, Row } from '@lockstep/shared/evidence/evidence.ts';
import { type Decoded, undecodedText } from '@lockstep/shared/kubernetes/decoded.ts';
import type { JsonObject } from '@lockstep/shared/kubernetes/stored-object.ts';
import { type Authorship, authorship } from './authorship.ts';
import { changedFields, type FieldChange } from './fields.ts';
import { keyFilter, type ObjectDecoder, type Selection } from './live.ts';
import type { Mask } from './mask.ts';
import { isNoise } from './noise.ts';
import { placeOf } from './resource-name.ts';
import { type Interval, intervalsOf, notBefore, type TimedRevision } from './revision-clock.ts';

/** One write of a key, as far as the store still shows it. */
export interface Version {
  readonly revision: number;
  readonly sub: number;
  /** `kept`: the first that is still there of a key that began before. */
  readonly operation: 'created' | 'changed' | 'deleted' | 'kept';
  /** Puts since the key was created; 0 for a deletion. */
  readonly version: number;
  readonly createRevision: number;
  /** Hexadecimal; empty where it hangs on none. */
  readonly lease: string;
  readonly sizeBytes: number;
  /** Page in which it was found, where the store itself has given it up. */
  readonly carvedPage?: number;
  /** Versions between this and the one before that are gone. */
  readonly missing: number;
  readonly authorship: Authorship;
  /** Where nothing in the version says its time: between which neighbours it lies. */
  readonly interval?: Interval;
  /** Against the version before; undefined where there is none to compare with. */
  readonly changes?: readonly FieldChange[];
  /** Fields that changed by themselves and are left out of `changes`. */
  readonly foldedFields: number;
  /** Why it could not be decoded; empty where it was. */
  readonly undecoded: string;
}

interface KeptRow {
  readonly main: number;
  readonly sub: number;
  readonly deleted: boolean;
  readonly createRevision: number;
  readonly version: number;
  readonly lease: string;
  readonly value: Uint8Array;
  readonly page: number | undefined;
}

const NOBODY: Authorship = { tool: '', operation: '', subresource: '', basis: 'unknown', stamp: undefined };

/** The keys (latin1) that a selection means, also deleted and carved ones. */
export function keysOf(evidence: Evidence, select: Selection): string[] {
  const wanted = keyFilter(evidence.facts.registryPrefix, select);
  const keys = new Set<string>();
  const visit = ({ key }: Row): void => {
    if (wanted(key)) keys.add(key);
  };
  evidence.rows(visit);
  evidence.carved(visit);
  return [...keys].sort();
}

/** Every version of one key, the oldest first. Secret values come masked; noise is folded, unless `all`. */
export function versionsOf(
  evidence: Evidence,
  decoder: ObjectDecoder,
  key: string,
  { mask, all }: { readonly mask: Mask; readonly all: boolean },
): Version[] {
  const rows = rowsOf(evidence, key);
  const { resource } = placeOf(key, evidence.facts.registryPrefix);
  const kept = (change: FieldChange): boolean => all || !isNoise(resource, change);
  const versions: Version[] = [];
  let before: { readonly row: KeptRow; readonly object: JsonObject | undefined } | undefined;
  for (const row of rows) {
    const decoded =
      row.value.length === 0 ? undefined : decoder.decode(row.value, { key, modRevision: row.main });
    const object = decoded?.form === 'object' ? mask.object(decoded.object) : undefined;
    versions.push(versionOf(row, object, decoded, before, kept));
    before = { row, object };
  }
  return withIntervals(evidence, decoder, versions);
}

function rowsOf(evidence: Evidence, key: string): KeptRow[] {
  const rows = new Map<string, KeptRow>();
  const keep = (row: Row, page?: number): void => {
    if (row.key !== key) return;
    const { main, sub, deleted, createRevision, version, lease } = row;
    const id = `${main}_${sub}`;
    // What the store itself shows is no carved row, though a free page may hold a copy of it.
    if (rows.has(id)) return;
    rows.set(id, {
      main,
      sub,
      deleted,
      createRevision,
      version,
      lease,
      value: Uint8Array.from(row.value),
      page,
    });
  };
  evidence.rows((row) => keep(row));
  evidence.carved((row) => keep(row, row.page));
  return [...rows.values()].sort((a, b) => a.main - b.main || a.sub - b.sub);
}

function versionOf(
  row: KeptRow,
  object: JsonObject | undefined,
  decoded: Decoded | undefined,
  before: { readonly row: KeptRow; readonly object: JsonObject | undefined } | undefined,
  kept: (change: FieldChange) => boolean,
): Version {
  const created = !row.deleted && row.createRevision === row.main;
  const base = {
    revision: row.main,
    sub: row.sub,
    version: row.version,
    createRevision: row.createRevision,
    lease: row.lease,
    sizeBytes: row.value.length,
    ...(row.page === undefined ? {} : { carvedPage: row.page }),
    undecoded: decoded === undefined || decoded.form === 'object' ? '' : undecodedText(decoded),
  };
  if (row.deleted) return { ...base, operation: 'deleted', missing: 0, foldedFields: 0, authorship: NOBODY };
  // A life before this one says nothing of it.
  const earlier = before?.row.createRevision === row.createRevision ? before : undefined;
  const missing = row.version - (earlier?.row.version ?? 0) - 1;
  const changes =
    earlier?.object === undefined || object === undefined ? [] : changedFields(earlier.object, object);
  const shown = changes.filter(kept);
  return {
    ...base,
    operation: created ? 'created' : earlier === undefined ? 'kept' : 'changed',
    missing: Math.max(0, missing),
    authorship:
      object === undefined
        ? NOBODY
        : authorship(object, {
            created,
            ...(earlier?.object === undefined ? {} : { object: earlier.object }),
          }),
    ...(earlier?.object === undefined || object === undefined ? {} : { changes: shown }),
    foldedFields: changes.length - shown.length,
  };
}

function withIntervals(evidence: Evidence, decoder: ObjectDecoder, versions: readonly Version[]): Version[] {
  const untold = versions.filter(({ authorship: { stamp } }) => stamp === undefined);
  if (untold.length === 0) return [...versions];
  const intervals = intervalsOf(
    evidence,
    decoder,
    untold.map(({ revision }) => revision),
  );
  let known: TimedRevision | undefined;
  return versions.map((version) => {
    const { revision, authorship: own } = version;
    const interval = intervals.get(revision);
    if (own.stamp === undefined) {
      return interval === undefined ? version : { ...version, interval: notBefore(interval, known) };
    }
    known = { revision, timeMs: own.stamp.timeMs };
    return version;
  });
}

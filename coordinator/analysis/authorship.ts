import { isDeepStrictEqual } from 'node:util';
import { at, type JsonObject, listOf, textOf } from '@lockstep/shared/kubernetes/stored-object.ts';

/** An entry of managedFields: a tool, not a person. Whoever may write an object may forge it. */
export interface ManagerEntry {
  readonly manager: string;
  /** "Apply", "Update". */
  readonly operation: string;
  /** "status"; empty for the object itself. */
  readonly subresource: string;
  readonly timeMs: number | undefined;
}

/** When a version was written, and what says so. */
export interface Stamp {
  readonly timeMs: number;
  readonly source: 'creationTimestamp' | 'managedFields' | 'event' | 'lease' | 'deletionTimestamp';
}

export interface Authorship {
  /** Empty where nothing says it. */
  readonly tool: string;
  readonly operation: string;
  readonly subresource: string;
  /**
   * `changed`: its entry changed with this version. `created`: the object began with it. `newest`:
   * the version before is gone, and this entry is the latest; what it wrote may be older.
   */
  readonly basis: 'changed' | 'created' | 'newest' | 'component' | 'unknown';
  readonly stamp: Stamp | undefined;
}

const UNKNOWN: Authorship = { tool: '', operation: '', subresource: '', basis: 'unknown', stamp: undefined };

export function managerEntries(object: JsonObject): ManagerEntry[] {
  return listOf(at(object, 'metadata', 'managedFields')).map(entryOf);
}

/**
 * Who wrote `after`, given the version before it, or `created` where it is the first, or neither
 * where what came before is gone.
 */
export function authorship(
  after: JsonObject,
  before: { readonly object?: JsonObject; readonly created: boolean },
): Authorship {
  const kind = textOf(after['kind']);
  if (kind === 'Event') return eventAuthor(after);
  if (kind === 'Lease') return leaseAuthor(after);
  if (before.created) return creator(after);
  return before.object === undefined ? newest(after) : changer(before.object, after);
}

function creator(object: JsonObject): Authorship {
  const createdMs = timeOf(at(object, 'metadata', 'creationTimestamp'));
  const entries = managerEntries(object);
  const first =
    entries.find(({ timeMs }) => timeMs === createdMs) ?? (entries.length === 1 ? entries[0] : undefined);
  const stamp: Stamp | undefined =
    createdMs === undefined ? undefined : { timeMs: createdMs, source: 'creationTimestamp' };
  if (first === undefined) return { ...UNKNOWN, basis: 'created', stamp };
  return { ...stamped(first, 'created'), ...(stamp === undefined ? {} : { stamp }) };
}

/** The entries that are not in the version before as they are now; of several the latest. */
function changer(before: JsonObject, after: JsonObject): Authorship {
  const was = listOf(at(before, 'metadata', 'managedFields'));
  const changed = listOf(at(after, 'metadata', 'managedFields'))
    .filter((entry) => !was.some((old) => isDeepStrictEqual(old, entry)))
    .map(entryOf);
  const author = latestOf(changed);
  // Asking for a deletion leaves managedFields as they are.
  const deletion =
    at(before, 'metadata', 'deletionTimestamp') === undefined ? deletionStamp(after) : undefined;
  if (deletion !== undefined) {
    return {
      ...(author === undefined ? UNKNOWN : toolOf(author)),
      basis: author === undefined ? 'unknown' : 'changed',
      stamp: deletion,
    };
  }
  return author === undefined ? UNKNOWN : stamped(author, 'changed');
}

function newest(object: JsonObject): Authorship {
  const author = latestOf(managerEntries(object));
  return author === undefined ? UNKNOWN : stamped(author, 'newest');
}

function eventAuthor(event: JsonObject): Authorship {
  const tool = textOf(event['reportingComponent']) || textOf(at(event, 'source', 'component'));
  const timeMs = eventTimeMs(event);
  return {
    ...UNKNOWN,
    tool,
    basis: tool === '' ? 'unknown' : 'component',
    stamp: timeMs === undefined ? undefined : { timeMs, source: 'event' },
  };
}

/** Of its latest occurrence. */
export function eventTimeMs(event: JsonObject): number | undefined {
  return (
    timeOf(at(event, 'series', 'lastObservedTime')) ??
    timeOf(event['lastTimestamp']) ??
    timeOf(event['eventTime']) ??
    timeOf(event['firstTimestamp']) ??
    timeOf(at(event, 'metadata', 'creationTimestamp'))
  );
}

function leaseAuthor(lease: JsonObject): Authorship {
  const timeMs = timeOf(at(lease, 'spec', 'renewTime'));
  const holder = textOf(at(lease, 'spec', 'holderIdentity'));
  return {
    ...UNKNOWN,
    tool: holder,
    basis: holder === '' ? 'unknown' : 'component',
    stamp: timeMs === undefined ? undefined : { timeMs, source: 'lease' },
  };
}

/** When the deletion was asked for: the timestamp lies a grace period later. */
function deletionStamp(object: JsonObject): Stamp | undefined {
  const endMs = timeOf(at(object, 'metadata', 'deletionTimestamp'));
  if (endMs === undefined) return undefined;
  const graceSeconds = Number(at(object, 'metadata', 'deletionGracePeriodSeconds') ?? 0);
  return { timeMs: endMs - graceSeconds * 1000, source: 'deletionTimestamp' };
}

function stamped(entry: ManagerEntry, basis: 'changed' | 'created' | 'newest'): Authorship {
  const stamp: Stamp | undefined =
    entry.timeMs === undefined ? undefined : { timeMs: entry.timeMs, source: 'managedFields' };
  return { ...toolOf(entry), basis, stamp };
}

function toolOf({ manager, operation, subresource }: ManagerEntry) {
  return { tool: manager, operation, subresource };
}

/** Undefined where there is none. */
export function latestOf(entries: readonly ManagerEntry[]): ManagerEntry | undefined {
  return entries.reduce<ManagerEntry | undefined>(
    (best, entry) => (best === undefined || (entry.timeMs ?? 0) >= (best.timeMs ?? 0) ? entry : best),
    undefined,
  );
}

function entryOf(entry: unknown): ManagerEntry {
  return {
    manager: textOf(at(entry, 'manager')),
    operation: textOf(at(entry, 'operation')),
    subresource: textOf(at(entry, 'subresource')),
    timeMs: timeOf(at(entry, 'time')),
  };
}

/** RFC 3339, in milliseconds; undefined where it is none. */
export function timeOf(json: unknown): number | undefined {
  const ms = Date.parse(textOf(json));
  return Number.isNaN(ms) ? undefined : ms;
}

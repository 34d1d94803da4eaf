import type { Evidence } from '@lockstep/shared/evidence/evidence.ts';
import { type Selection, visitLive } from './live.ts';
import type { ObjectPlace } from './resource-name.ts';
import { type StoredKind, storedKind } from './stored-kind.ts';

/** A current key and what is known of its value without decoding it. */
export interface KeyEntry extends ObjectPlace, StoredKind {
  /** latin1 */
  readonly key: string;
  readonly revision: number;
  readonly createRevision: number;
  readonly version: number;
  readonly sizeBytes: number;
  readonly lease: string;
}

/** In order of revision. */
export function visitKeys(evidence: Evidence, select: Selection, visit: (entry: KeyEntry) => void): void {
  visitLive(evidence, select, (row, place) => {
    const { key, main, createRevision, version, lease, value } = row;
    visit({
      key,
      ...place,
      ...storedKind(value),
      revision: main,
      createRevision,
      version,
      sizeBytes: value.length,
      lease,
    });
  });
}

export interface ResourceSummary {
  /** Empty: keys that are no object's. */
  readonly resource: string;
  readonly count: number;
  readonly sizeBytes: number;
  readonly encrypted: number;
  /** Of the newest change among them. */
  readonly newestRevision: number;
}

/** By size, the largest first. */
export function summarize(evidence: Evidence, select: Selection): ResourceSummary[] {
  const byResource = new Map<
    string,
    { -readonly [Field in keyof ResourceSummary]: ResourceSummary[Field] }
  >();
  visitLive(evidence, select, ({ main, value }, { resource }) => {
    const own = byResource.get(resource) ?? {
      resource,
      count: 0,
      sizeBytes: 0,
      encrypted: 0,
      newestRevision: 0,
    };
    byResource.set(resource, own);
    own.count++;
    own.sizeBytes += value.length;
    own.newestRevision = main;
    if (storedKind(value).storedAs === 'encrypted') own.encrypted++;
  });
  return [...byResource.values()].sort((a, b) => b.sizeBytes - a.sizeBytes);
}

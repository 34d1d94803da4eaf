import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Evidence } from '@lockstep/shared/evidence/evidence.ts';
import { utf8 } from './resource-name.ts';

/** What was put at a key, and when. */
export interface Put {
  readonly main: number;
  readonly sub: number;
  readonly value: Uint8Array;
}

/**
 * What a key held at a revision, or now. A compaction keeps of each key the newest row up to it:
 * if one is there, nothing came between. Throws OBJECT_NOT_FOUND, REVISION_COMPACTED.
 */
export function putAt(evidence: Evidence, key: string, revision: number | undefined): Put {
  const { revision: newest, compactRevision } = evidence.facts;
  requireKnown(evidence, revision);
  const at = revision ?? newest;
  let found: Put | undefined;
  let deletedAt = 0;
  evidence.rows((row) => {
    if (row.main > at || row.key !== key) return;
    deletedAt = row.deleted ? row.main : 0;
    found = row.deleted ? undefined : { main: row.main, sub: row.sub, value: Uint8Array.from(row.value) };
  });
  if (found !== undefined) return found;
  if (deletedAt > 0) {
    throw new LockstepError('OBJECT_NOT_FOUND', {
      message: `${utf8(key)} was deleted at revision ${deletedAt}.`,
    });
  }
  if (at < compactRevision) throw compacted(evidence, `What ${utf8(key)} held at revision ${at}`);
  throw new LockstepError('OBJECT_NOT_FOUND', {
    message: `${evidence.path} holds no ${utf8(key)} at revision ${at}.`,
  });
}

/** Throws REVISION_COMPACTED where a list of that revision would have gaps. */
export function requireWhole(evidence: Evidence, revision: number | undefined): void {
  requireKnown(evidence, revision);
  if (revision !== undefined && revision < evidence.facts.compactRevision) {
    throw compacted(evidence, `All that there was at revision ${revision}`);
  }
}

function requireKnown({ path, facts }: Evidence, revision: number | undefined): void {
  if (revision === undefined || revision <= facts.revision) return;
  throw new LockstepError('OBJECT_NOT_FOUND', {
    message: `${path} ends at revision ${facts.revision}; ${revision} is later.`,
  });
}

function compacted({ facts }: Evidence, what: string): LockstepError {
  return new LockstepError('REVISION_COMPACTED', {
    message: `${what} is not known any more: the store was compacted at revision ${facts.compactRevision}.`,
  });
}

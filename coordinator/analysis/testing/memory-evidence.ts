import type { CarvedRow, Evidence, EvidenceFacts, Row } from '@lockstep/shared/evidence/evidence.ts';

export interface WrittenRow {
  readonly main: number;
  readonly sub?: number;
  readonly key: string;
  /** Absent: the key was deleted. */
  readonly value?: string | Uint8Array;
  readonly lease?: string;
  /** Where the rows before it were compacted away; else it follows. */
  readonly createRevision?: number;
}

const FACTS: EvidenceFacts = {
  revision: 0,
  compactRevision: 0,
  scheduledCompactRevision: 0,
  apiServerCompactRevision: undefined,
  transactionId: 40n,
  registryPrefix: '/registry',
  members: [],
  leases: [],
  alarms: [],
  authEnabled: false,
  storageVersion: '3.6.0',
};

/** Evidence of a few rows, written down in order of revision: creation and version follow. */
export function memoryEvidence(
  written: readonly WrittenRow[],
  facts: Partial<EvidenceFacts> = {},
  carved: readonly (WrittenRow & { readonly page: number })[] = [],
): Evidence {
  const rows = replayed(written);
  return {
    path: 'memory.db',
    form: 'etcd',
    facts: { ...FACTS, revision: rows.at(-1)?.main ?? 0, ...facts },
    notes: [],
    rows: (visit) => rows.forEach((row) => visit(row)),
    value: (main, sub) => rows.find((row) => row.main === main && row.sub === sub)?.value,
    carved: (visit) =>
      carved.forEach((row) => visit({ ...replayed([row])[0]!, page: row.page } satisfies CarvedRow)),
    [Symbol.dispose]: () => {},
  };
}

function replayed(written: readonly WrittenRow[]): Row[] {
  const alive = new Map<string, { createRevision: number; version: number }>();
  return written.map(({ main, sub = 0, key, value, lease = '', createRevision = main }) => {
    const base = { main, sub, key, lease };
    if (value === undefined) {
      alive.delete(key);
      return { ...base, deleted: true, createRevision: 0, version: 0, value: new Uint8Array() };
    }
    const before = alive.get(key) ?? { createRevision, version: 0 };
    const now = { ...before, version: before.version + 1 };
    alive.set(key, now);
    return { ...base, ...now, deleted: false, value: Buffer.from(value) };
  });
}

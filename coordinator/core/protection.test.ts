import { LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { CatalogueEntry, Proof, ProofKind } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, it } from 'vitest';
import { candidateOf, judgeDeletion } from './protection.ts';
import { judgeStanding } from './standing.ts';

const NOW_MS = Date.parse('2026-11-22T12:00:00Z');
const broken = (place: string): Proof =>
  Proof.fromPartial({
    kind: ProofKind.PROOF_KIND_VERIFY,
    place,
    at: '2026-11-22T11:00:00.000Z',
    failure: toFailure(new LockstepError('SNAPSHOT_CORRUPT')),
  });

interface Scene {
  readonly nodes?: string[];
  readonly pins?: { by: string; reason: string; evidence?: boolean; removedAt?: string }[];
  readonly proofs?: Proof[];
}

function entry(
  id: string,
  hour: number,
  { nodes = ['cp1'], pins = [], proofs = [] }: Scene = {},
): CatalogueEntry {
  const card = {
    id,
    takenAt: `2026-11-22T${String(hour).padStart(2, '0')}:00:00.000Z`,
    facts: { status: { revision: BigInt(hour) }, consistentIndex: BigInt(hour) },
  };
  const plain = CatalogueEntry.fromPartial({
    card,
    held: nodes.map((node) => ({ node })),
    marks: { pins, proofs },
  });
  const { standing, reason } = judgeStanding(plain);
  return { ...plain, standing, standingReason: reason };
}

function codes(
  which: CatalogueEntry,
  others: CatalogueEntry[] = [],
  places?: string[],
  uses: [string, string[]][] = [],
): string[] {
  return judgeDeletion({
    entry: which,
    places: places ?? which.held.map(({ node }) => node),
    all: [which, ...others],
    uses: new Map(uses),
    nowMs: NOW_MS,
  }).map(({ code }) => code);
}

describe('what may not be deleted', () => {
  const newer = entry('newer', 10);

  it('an older good one may go', () => {
    expect(codes(entry('old', 5), [newer])).toEqual([]);
  });

  it.each<[string, string[], string[]]>([
    ['the last good one', codes(newer, [entry('old', 5)]), ['SNAPSHOT_LAST_GOOD']],
    [
      'nor of its copies the last',
      codes(entry('a', 9, { nodes: ['cp1', 'cp2'] }), [], ['cp1', 'cp2']),
      ['SNAPSHOT_LAST_GOOD'],
    ],
    ['but one of them', codes(entry('a', 9, { nodes: ['cp1', 'cp2'] }), [], ['cp1']), []],
    [
      'unless the other is broken',
      codes(
        entry('a', 9, { nodes: ['cp1', 'cp2', 'cp3'], proofs: [broken('cp2'), broken('cp3')] }),
        [],
        ['cp1'],
      ),
      ['SNAPSHOT_LAST_GOOD'],
    ],
    [
      'what is in use',
      codes(entry('old', 5), [newer], undefined, [['old', ['in use by r-1']]]),
      ['SNAPSHOT_IN_USE'],
    ],
    [
      'what is pinned',
      codes(entry('old', 5, { pins: [{ by: 'a', reason: 'r' }] }), [newer]),
      ['SNAPSHOT_PINNED'],
    ],
    [
      'evidence, and no copy of it',
      codes(
        entry('old', 5, { nodes: ['cp1', 'cp2'], pins: [{ by: 'a', reason: 'r', evidence: true }] }),
        [newer],
        ['cp1'],
      ),
      ['SNAPSHOT_EVIDENCE'],
    ],
    [
      'but what was',
      codes(entry('old', 5, { pins: [{ by: 'a', reason: 'r', removedAt: 'x' }] }), [newer]),
      [],
    ],
    [
      'a doubtful one that is all there is',
      codes(entry('a', 9, { nodes: ['cp1', 'cp2'], proofs: [broken('cp2')] })),
      ['SNAPSHOT_LAST_GOOD'],
    ],
    [
      'nor where the others are bad',
      codes(
        entry('a', 9, { nodes: ['cp1', 'cp2'], proofs: [broken('cp2')] }),
        [entry('b', 8, { proofs: [broken('cp1')] })],
        ['cp1', 'cp2'],
      ),
      ['SNAPSHOT_LAST_GOOD'],
    ],
    [
      'but one of two that are doubtful',
      codes(entry('a', 9, { nodes: ['cp1', 'cp2'], proofs: [broken('cp2')] }), [
        entry('b', 8, { nodes: ['cp1', 'cp2'], proofs: [broken('cp1')] }),
      ]),
      [],
    ],
  ])('%s', (_, found, expected) => {
    expect(found).toEqual(expected);
  });

  it('a candidate of retention says who pinned it and what uses it', () => {
    const pins = [
      { by: 'ada', reason: 'audit' },
      { by: 'ada', reason: 'breach', evidence: true },
    ];
    expect(candidateOf(entry('a', 9, { pins }), new Map([['a', ['in use by r-1']]]))).toMatchObject({
      standing: 'good',
      revision: 9n,
      protectedFor: ['pinned by ada: audit', 'evidence, by ada: breach', 'in use by r-1'],
    });
  });
});

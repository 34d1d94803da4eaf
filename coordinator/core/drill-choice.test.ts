import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import {
  CatalogueEntry,
  Encoding,
  ProofKind,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, it } from 'vitest';
import { drillOrder, newestToDrill, newestWorthDrilling } from './drill-choice.ts';

const held = (id: string, node: string, proofs: readonly [at: string, bad: boolean][] = []): StoredSnapshot =>
  StoredSnapshot.fromPartial({
    node,
    card: { id, takenAt: `2026-11-0${id}T00:00:00Z` },
    marks: {
      snapshotId: id,
      proofs: proofs.map(([at, bad]) => ({
        kind: ProofKind.PROOF_KIND_DRILL,
        place: node,
        at: `2026-11-22T0${at}:00:00Z`,
        ...(bad ? { failure: { code: 'SNAPSHOT_CORRUPT' } } : {}),
      })),
    },
  });

describe('the snapshot that is drilled where none is named', () => {
  it.each([
    ['the newest', [held('1', 'a'), held('3', 'b'), held('2', 'a')], '3'],
    [
      'not one whose last proof was bad',
      [
        held('2', 'a'),
        held('3', 'b', [
          ['1', false],
          ['2', true],
        ]),
      ],
      '2',
    ],
    [
      'one that was proven good since',
      [
        held('2', 'a'),
        held('3', 'b', [
          ['1', true],
          ['2', false],
        ]),
      ],
      '3',
    ],
    [
      'not one that was found bad elsewhere',
      [held('2', 'a'), held('3', 'a', [['1', true]]), held('3', 'b')],
      '2',
    ],
    ['the newest where all are bad', [held('2', 'a', [['1', true]]), held('3', 'b', [['1', true]])], '3'],
    ['none where there is none', [], undefined],
  ])('is %s', (_what, snapshots, id) => {
    expect(newestWorthDrilling(snapshots)).toBe(id);
  });
});

describe('the nodes that are asked to drill', () => {
  const node = (name: string, report: NodeReport | undefined) => ({ node: name, report });
  const member = (leader: boolean): NodeReport => NodeReport.fromPartial({ etcd: { leader } });

  it('are those that it disturbs least, without who is busy or silent', () => {
    const asked = drillOrder([
      node('leader', member(true)),
      node('silent', undefined),
      node('follower-2', member(false)),
      node('busy', NodeReport.fromPartial({ openOperationId: 'r-1' })),
      node('follower-1', member(false)),
      node('worker', NodeReport.fromPartial({})),
    ]);
    expect(asked.map((each) => each.node)).toStrictEqual(['worker', 'follower-1', 'follower-2', 'leader']);
  });
});

describe('what a schedule drills', () => {
  const entry = (id: string, standing: string, held: string[], encodings: Encoding[] = []): CatalogueEntry =>
    CatalogueEntry.fromPartial({
      card: { id },
      standing,
      held: held.map((node) => ({ node })),
      copies: encodings.map((encoding) => ({ store: 'vault', encoding })),
    });

  it.each([
    ['the newest', [entry('2', 'good', ['cp1']), entry('1', 'good', ['cp1'])], '2'],
    ['one in doubt, to end it', [entry('2', 'unknown', ['cp1']), entry('1', 'good', ['cp1'])], '2'],
    ['none that is bad', [entry('2', 'bad', ['cp1']), entry('1', 'good', ['cp1'])], '1'],
    ['one in a store as it is', [entry('1', 'good', [], [Encoding.ENCODING_ZSTD])], '1'],
    ['none that takes a key', [entry('1', 'good', [], [Encoding.ENCODING_ZSTD_AGE])], undefined],
    ['nothing of nothing', [], undefined],
  ])('is %s', (_what, entries, id) => {
    expect(newestToDrill(entries)).toBe(id);
  });
});

import { SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, it } from 'vitest';
import { newStoreDifferences } from './new-store.ts';

const snapshot = SnapshotFacts.fromPartial({
  contentSha256: 'c',
  status: { revision: 100n },
});
const built = (change: object = {}): SnapshotFacts =>
  SnapshotFacts.fromPartial({
    contentSha256: 'c',
    status: { revision: 1100n },
    rowsAboveContent: 1n,
    onlyBumpRowAboveContent: true,
    members: [
      { name: 'cp2', peerUrls: ['https://b:2380'] },
      { name: 'cp1', peerUrls: ['https://a:2380'] },
    ],
    ...change,
  });
const expected = {
  initialCluster: 'cp1=https://a:2380,cp2=https://b:2380',
  bump: { by: 1000n, toRevision: 1100n },
  alarmsToDisarm: ['NOSPACE'],
};

describe('the new store at rest', () => {
  it('is the snapshot, the planned members, and the bump', () => {
    expect(newStoreDifferences(snapshot, built(), expected)).toStrictEqual([]);
    expect(newStoreDifferences(snapshot, built({ alarms: ['NOSPACE'] }), expected)).toStrictEqual([]);
    expect(
      newStoreDifferences(snapshot, built({ status: { revision: 100n }, rowsAboveContent: 0n }), {
        ...expected,
        bump: undefined,
      }),
    ).toStrictEqual([]);
  });

  it('needs no row of a bump where none was planned', () => {
    const unbumped = built({
      status: { revision: 100n },
      rowsAboveContent: 0n,
      onlyBumpRowAboveContent: false,
    });
    expect(newStoreDifferences(snapshot, unbumped, { ...expected, bump: undefined })).toStrictEqual([]);
  });

  it.each([
    ['content digest', { contentSha256: 'd' }],
    ['revision', { status: { revision: 1101n } }],
    ['rows above', { rowsAboveContent: 2n }],
    ['row of a bump', { onlyBumpRowAboveContent: false }],
    ['members', { members: [{ name: 'cp1', peerUrls: ['https://a:2380'] }] }],
    [
      'learner',
      {
        members: [
          { name: 'cp1', peerUrls: ['https://a:2380'] },
          { name: 'cp2', peerUrls: ['https://b:2380'], learner: true },
        ],
      },
    ],
    ['alarm', { alarms: ['CORRUPT'] }],
    ['auth', { authEnabled: true }],
  ])('differs in %s', (word, change) => {
    const differences = newStoreDifferences(snapshot, built(change), expected);
    expect(differences).toHaveLength(1);
    expect(differences[0]).toContain(word);
  });
});

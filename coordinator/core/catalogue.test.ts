import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import {
  SnapshotCard,
  SnapshotMarks,
  StoredCopy,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, it } from 'vitest';
import { buildCatalogue, type ListedCopy } from './catalogue.ts';
import { placesOf } from './standing.ts';

const card = (id: string, sha = 'aa'): SnapshotCard =>
  SnapshotCard.fromPartial({
    id,
    takenAt: `2026-11-22T0${id.slice(-1)}:00:00.000Z`,
    facts: { fileSha256: sha, encryption: [{ provider: 'aescbc', sampleValue: Buffer.from('secret') }] },
  });
const marks = (reason: string): SnapshotMarks =>
  SnapshotMarks.fromPartial({ pins: [{ by: 'ada', reason, at: '2026-11-22T00:00:00.000Z' }] });
const distrusted = { signers: [], distrust: [refusal('SNAPSHOT_CARD_MISMATCH', 'altered')] };
const held = (node: string, id: string, fields: Partial<StoredSnapshot> = {}): StoredSnapshot => ({
  ...StoredSnapshot.create({ node }),
  card: card(id),
  trust: { signers: [], distrust: [] },
  ...fields,
});
const copy = (store: string, id: string, fields: Partial<ListedCopy> = {}): ListedCopy => ({
  copy: StoredCopy.fromPartial({ snapshotId: id, store }),
  card: card(id),
  marks: undefined,
  distrust: [],
  ...fields,
});

describe('the catalogue', () => {
  it('has each snapshot once, newest first, with all of its places and marks', () => {
    const entries = buildCatalogue(
      [held('cp2', 's-1', { marks: marks('one') }), held('cp1', 's-1'), held('cp1', 's-2')],
      [copy('bucket', 's-1', { marks: marks('two') }), copy('bucket', 's-3')],
    );
    expect(entries.map((entry) => [entry.card?.id, placesOf(entry).join()])).toEqual([
      ['s-3', 'bucket'],
      ['s-2', 'cp1'],
      ['s-1', 'cp1,cp2,bucket'],
    ]);
    expect(entries[2]?.marks?.pins.map(({ reason }) => reason)).toEqual(['one', 'two']);
    expect(entries.every(({ standing }) => standing === 'good')).toBe(true);
  });

  it('takes a trusted card before one that is not, and says where cards differ', () => {
    const [mixed] = buildCatalogue([held('cp1', 's-1', { trust: distrusted }), held('cp2', 's-1')], []);
    expect(mixed?.standing).toBe('good');
    const [bad] = buildCatalogue([held('cp1', 's-1', { trust: distrusted })], []);
    expect(bad).toMatchObject({ standing: 'bad', standingReason: 'SNAPSHOT_CARD_MISMATCH: altered' });
    const [unlike] = buildCatalogue(
      [held('cp1', 's-1')],
      [copy('bucket', 's-1', { card: card('s-1', 'bb') })],
    );
    expect(unlike?.standing).toBe('bad');
  });

  it('takes the trusted card of a store where no node has one', () => {
    const bad = [held('cp1', 's-1', { trust: distrusted })];
    const [entry] = buildCatalogue(bad, [copy('bucket', 's-1')]);
    expect(entry).toMatchObject({ standing: 'good', distrust: [] });
    const [alone] = buildCatalogue([], [copy('bucket', 's-1', { distrust: distrusted.distrust })]);
    expect(alone?.standing).toBe('bad');
  });

  it('has no snapshot of which nobody has a card, and holds nothing against a place without one', () => {
    const cardless = [held('cp1', 's-2', { card: undefined })];
    expect(buildCatalogue(cardless, [copy('bucket', 's-1', { card: undefined })])).toEqual([]);
    const [entry] = buildCatalogue([held('cp1', 's-1')], [copy('bucket', 's-1', { card: undefined })]);
    expect(entry?.standing).toBe('good');
    const [factless] = buildCatalogue(
      [held('cp1', 's-1', { card: { ...card('s-1'), facts: undefined } })],
      [],
    );
    expect(factless?.card?.id).toBe('s-1');
  });

  it('carries no sample, and one card for all', () => {
    const [entry] = buildCatalogue([held('cp1', 's-1'), held('cp2', 's-1')], []);
    expect(entry?.card?.facts?.encryption[0]?.sampleValue).toHaveLength(0);
    expect(entry?.held.map((each) => each.card)).toEqual([undefined, undefined]);
  });
});

import { LockstepError, refusal, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { CatalogueEntry, Proof, ProofKind } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, it } from 'vitest';
import { isAboutStoredBytes, isBrokenAt, judgeStanding, lastProof, placesOf } from './standing.ts';

const failure = toFailure(new LockstepError('SNAPSHOT_CORRUPT'));
const proof = (
  place: string,
  hour: number,
  bad = false,
  kind: ProofKind = ProofKind.PROOF_KIND_VERIFY,
): Proof =>
  Proof.fromPartial({
    kind,
    place,
    at: `2026-11-22T0${hour}:00:00.000Z`,
    ...(bad ? { failure } : {}),
  });
const entry = (proofs: Proof[], nodes = ['cp1', 'cp2'], stores = ['bucket']): CatalogueEntry =>
  CatalogueEntry.fromPartial({
    held: nodes.map((node) => ({ node })),
    copies: stores.map((store) => ({ store })),
    marks: { proofs },
  });

describe('the standing of a snapshot', () => {
  it.each<[string, CatalogueEntry, string]>([
    ['nothing known against it', entry([]), 'good'],
    ['proven', entry([proof('cp1', 1)]), 'good'],
    ['one copy broken, none proven', entry([proof('cp1', 1, true)]), 'unknown'],
    ['one copy broken, another proven', entry([proof('cp1', 1, true), proof('cp2', 0)]), 'good'],
    ['broken, then proven at the same place', entry([proof('cp1', 1, true), proof('cp1', 2)]), 'good'],
    ['proven, then broken', entry([proof('cp1', 1), proof('cp1', 2, true)], ['cp1'], []), 'bad'],
    ['both at one time', entry([proof('cp1', 1), proof('cp1', 1, true)], ['cp1'], []), 'bad'],
    ['every copy broken', entry([proof('cp1', 1, true), proof('bucket', 1, true)], ['cp1']), 'bad'],
    ['whatever order that is told in', entry([proof('cp1', 2), proof('cp1', 1, true)]), 'good'],
    ['broken, and held nowhere', entry([proof('cp1', 1, true)], [], []), 'unknown'],
    ['broken where it is no more', entry([proof('cp9', 1, true)], ['cp1'], []), 'unknown'],
  ])('%s', (_, what, standing) => {
    const judged = judgeStanding(what);
    expect(judged.standing).toBe(standing);
    expect(judged.reason === '').toBe(standing === 'good');
  });

  it('is bad where its card is not trusted, proven or not', () => {
    const distrust = [refusal('SNAPSHOT_CARD_MISMATCH', 'other bytes')];
    expect(judgeStanding({ ...entry([proof('cp1', 1)]), distrust })).toEqual({
      standing: 'bad',
      reason: 'SNAPSHOT_CARD_MISMATCH: other bytes',
    });
  });

  it('says what was found, and by what', () => {
    const proofs = [proof('cp1', 1, true), proof('cp2', 2, true, ProofKind.PROOF_KIND_DRILL)];
    expect(judgeStanding(entry(proofs)).reason).toBe(
      'verify on cp1 at 2026-11-22T01:00:00.000Z: SNAPSHOT_CORRUPT; drill on cp2 at 2026-11-22T02:00:00.000Z: SNAPSHOT_CORRUPT',
    );
  });

  it('knows the places, and which of them has a broken copy', () => {
    const what = entry([proof('cp2', 1, true), proof('bucket', 1, true), proof('bucket', 2)]);
    expect(placesOf(what)).toEqual(['cp1', 'cp2', 'bucket']);
    expect(placesOf(what).filter((place) => isBrokenAt(what, place))).toEqual(['cp2']);
  });

  it('finds the last proof, of a kind or of any', () => {
    const drill = proof('cp1', 3, true, ProofKind.PROOF_KIND_DRILL);
    const proofs = [drill, proof('cp2', 5), proof('cp1', 4)];
    expect(lastProof(proofs)?.place).toBe('cp2');
    expect(lastProof(proofs, ProofKind.PROOF_KIND_DRILL)).toBe(drill);
    expect(lastProof([])).toBeUndefined();
  });
});

it('a copy that is damaged as it is stored says nothing of any other', () => {
  const codes = ['COPY_DAMAGED', 'COPY_SEAL_INVALID', 'SNAPSHOT_CORRUPT'];
  const about = codes.map((code) => isAboutStoredBytes(Proof.fromPartial({ failure: { code } })));
  expect(about).toEqual([true, true, false]);
  expect(isAboutStoredBytes(proof('cp1', 1))).toBe(false);
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pin, Proof, SnapshotMarks } from './generated/lockstep/v1/snapshot.ts';
import { ProofKind, Proof as ProofMessage } from './generated/lockstep/v1/snapshot.ts';
import { MAX_PROOFS_PER_PLACE, marksFromText, marksToText, mergeMarks, pinsOn } from './marks.ts';

const at = fc.integer({ min: 0, max: 5 }).map((hour) => `2026-11-22T0${hour}:00:00.000Z`);
const pin: fc.Arbitrary<Pin> = fc.record({
  by: fc.constantFrom('lockstep://lab/operator/alice', 'lockstep://lab/operator/bob'),
  reason: fc.constantFrom('audit', 'breach'),
  at,
  evidence: fc.boolean(),
  removedAt: fc.oneof(fc.constant(''), at),
});
const proof: fc.Arbitrary<Proof> = fc
  .record({
    kind: fc.constantFrom(ProofKind.PROOF_KIND_VERIFY, ProofKind.PROOF_KIND_DRILL),
    place: fc.constantFrom('cp1', 'cp2', 'bucket'),
    at,
    failure: fc.option(
      fc.record({
        code: fc.constantFrom('SNAPSHOT_CORRUPT', 'DISK_FULL'),
        node: fc.constant('cp1'),
        message: fc.constantFrom('', 'a page'),
        cure: fc.constant(''),
        causes: fc.array(fc.constantFrom('one', 'two'), { maxLength: 2 }),
      }),
      { nil: undefined },
    ),
    tookMs: fc.bigInt(0n, 2n),
    restoreMs: fc.constant(0n),
  })
  .map((some) => ProofMessage.fromPartial(some));
const marks: fc.Arbitrary<SnapshotMarks> = fc.record({
  snapshotId: fc.constant('s-1'),
  pins: fc.array(pin, { maxLength: 6 }),
  proofs: fc.array(proof, { maxLength: 6 }),
});

describe('marks', () => {
  it('are the same whoever heard what first, and however often', () => {
    fc.assert(
      fc.property(marks, marks, marks, (a, b, c) => {
        expect(mergeMarks('s-1', a, b)).toEqual(mergeMarks('s-1', b, a));
        expect(mergeMarks('s-1', mergeMarks('s-1', a, b), c)).toEqual(
          mergeMarks('s-1', a, mergeMarks('s-1', b, c)),
        );
        const merged = mergeMarks('s-1', a, b);
        expect(mergeMarks('s-1', merged, a, b, merged)).toEqual(merged);
        expect(mergeMarks('s-1', a, undefined, b)).toEqual(merged);
      }),
      { numRuns: 300 },
    );
  });

  it('are so too where there are more proofs than are kept', () => {
    const many = fc.array(
      proof.map((each) => ({ ...each, place: 'cp1', kind: ProofKind.PROOF_KIND_DRILL })),
      { minLength: 40, maxLength: 70 },
    );
    const numbered = many.map((proofs) =>
      proofs.map((each, index) => ({ ...each, tookMs: BigInt(index % 60) })),
    );
    fc.assert(
      fc.property(numbered, numbered, numbered, (a, b, c) => {
        const [one, two, three] = [a, b, c].map((proofs) => ({ snapshotId: 's-1', pins: [], proofs }));
        const left = mergeMarks('s-1', mergeMarks('s-1', one, two), three);
        expect(left).toEqual(mergeMarks('s-1', mergeMarks('s-1', three, two), one));
        expect(left.proofs.length).toBeLessThanOrEqual(MAX_PROOFS_PER_PLACE);
      }),
      { numRuns: 50 },
    );
  });

  it('lose no proof that is newest at its place, and no pin', () => {
    fc.assert(
      fc.property(fc.array(marks, { minLength: 1, maxLength: 5 }), (all) => {
        const merged = mergeMarks('s-1', ...all);
        const newest = all
          .flatMap(({ proofs }) => proofs)
          .map((each) => each.at)
          .sort()
          .at(-1);
        expect(merged.proofs.at(-1)?.at).toBe(newest);
        for (const { by, reason, at: since, evidence } of all.flatMap(({ pins }) => pins)) {
          expect(
            merged.pins.some(
              (each) =>
                each.by === by && each.reason === reason && each.at === since && each.evidence === evidence,
            ),
          ).toBe(true);
        }
      }),
    );
  });

  it('hold a pin as off once anybody took it off', () => {
    const on = {
      by: 'alice',
      reason: 'audit',
      at: '2026-11-22T00:00:00.000Z',
      evidence: false,
      removedAt: '',
    };
    const off = { ...on, removedAt: '2026-11-23T00:00:00.000Z' };
    const of = (...pins: Pin[]): SnapshotMarks => ({ snapshotId: 's-1', pins, proofs: [] });
    expect(pinsOn(of(on))).toHaveLength(1);
    expect(pinsOn(mergeMarks('s-1', of(on), of(off)))).toEqual([]);
    expect(pinsOn(mergeMarks('s-1', of(off), of({ ...on, at: '2026-11-24T00:00:00.000Z' })))).toHaveLength(1);
  });

  it('are read as they were written', () => {
    fc.assert(
      fc.property(marks, (some) => {
        const merged = mergeMarks('s-1', some);
        expect(mergeMarks('s-1', marksFromText(marksToText(merged)))).toEqual(merged);
      }),
    );
  });
});

import { Proof, ProofKind } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, it } from 'vitest';
import type { CheckInput } from '../plan-input.ts';
import { checkProven } from './proven.ts';

const proof = (at: string, code?: string): Proof =>
  Proof.fromPartial({
    kind: ProofKind.PROOF_KIND_DRILL,
    place: 'cp2',
    at,
    ...(code === undefined ? {} : { failure: { code, message: 'page 7' } }),
  });

const objections = (proofs: readonly Proof[] | undefined): string[] =>
  checkProven({ snapshot: { id: 's-1', ...(proofs && { proofs }) } } as unknown as CheckInput).map(
    ({ code, message }) => `${code}: ${message}`,
  );

describe('a snapshot that somebody has proven', () => {
  it.each([
    ['by nobody', undefined],
    ['never', []],
    ['to be good', [proof('2026-11-22T01:00:00Z')]],
    ['to be good since', [proof('2026-11-22T01:00:00Z', 'SNAPSHOT_CORRUPT'), proof('2026-11-22T02:00:00Z')]],
    ['to have a damaged copy in a store', [proof('2026-11-22T01:00:00Z', 'COPY_DAMAGED')]],
  ])('%s is objected to by nobody', (_how, proofs) => {
    expect(objections(proofs)).toStrictEqual([]);
  });

  it('to be bad is refused, in whatever order the proofs come', () => {
    const proofs = [proof('2026-11-22T02:00:00Z', 'SNAPSHOT_CORRUPT'), proof('2026-11-22T01:00:00Z')];
    expect(objections(proofs)).toStrictEqual([
      'SNAPSHOT_PROVEN_BAD: s-1 was found to be bad on cp2 at 2026-11-22T02:00:00Z: SNAPSHOT_CORRUPT, page 7',
    ]);
  });
});

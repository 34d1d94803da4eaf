import type { Evidence } from '@lockstep/shared/evidence/evidence.ts';
import { ObjectDiffer } from '../analysis/diff/object-diff.ts';
import type { Mask } from '../analysis/mask.ts';
import { withEvidence } from './evidence-file.ts';
import type { Invocation } from './invocation.ts';
import { type DecodeOptions, decoderFor } from './object-decoder.ts';

export interface DifferOptions extends DecodeOptions {
  readonly mask: Mask;
  /** Nothing is folded. */
  readonly all: boolean;
}

/** Opens two stores for the length of `use`, to look into what differs between them. Throws as `openEvidence` does. */
export function withDiffer<Result>(
  invocation: Invocation,
  [before, after]: readonly [before: string, after: string],
  options: DifferOptions,
  use: (differ: ObjectDiffer, registryPrefix: string) => Result,
  { again = false } = {},
): Result {
  const side = (evidence: Evidence) => ({ evidence, decoder: decoderFor(evidence, options) });
  return withEvidence(
    invocation,
    before,
    (was) =>
      withEvidence(
        invocation,
        after,
        (is) => use(new ObjectDiffer(side(was), side(is), options), is.facts.registryPrefix),
        { again },
      ),
    { again },
  );
}

import { type Refusal, RefusalClass } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { SnapshotTrust } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';

/** Messages of the contract for `-o json`: its numbers for classes become words. */
const CLASS_WORDS: Record<RefusalClass, string> = {
  [RefusalClass.REFUSAL_CLASS_UNSPECIFIED]: '',
  [RefusalClass.REFUSAL_CLASS_NEVER]: 'never',
  [RefusalClass.REFUSAL_CLASS_WITH_REASON]: 'with-reason',
  [RefusalClass.REFUSAL_CLASS_SECOND_PERSON]: 'second-person',
};

export function refusalView(refusal: Refusal): object {
  return { ...refusal, class: CLASS_WORDS[refusal.class] ?? '' };
}

/** What is made of a card's seals. */
export function trustView(trust: SnapshotTrust | undefined): object | undefined {
  return trust === undefined ? undefined : { ...trust, distrust: trust.distrust.map(refusalView) };
}

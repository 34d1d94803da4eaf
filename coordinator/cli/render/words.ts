import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { parseIdentityUri } from '@lockstep/shared/tls/identity.ts';

/** The phases of a restore in their order, as a person reads them. */
export const RESTORE_PHASES = [
  Phase.PHASE_INSPECT,
  Phase.PHASE_PROMISE,
  Phase.PHASE_STAGE,
  Phase.PHASE_BUILD,
  Phase.PHASE_SAFEGUARD,
  Phase.PHASE_REINSPECT,
  Phase.PHASE_FENCE,
  Phase.PHASE_SWAP,
  Phase.PHASE_START_ETCD,
  Phase.PHASE_COMMIT,
  Phase.PHASE_START_API,
  Phase.PHASE_START_CONTROLLERS,
  Phase.PHASE_REPORT,
] as const;

export type OutcomeWord = 'running' | 'restored' | 'rolled-back' | 'refused' | 'needs-operator';

const OUTCOME_WORDS: Record<Outcome, OutcomeWord> = {
  [Outcome.OUTCOME_UNSPECIFIED]: 'running',
  [Outcome.OUTCOME_RESTORED]: 'restored',
  [Outcome.OUTCOME_ROLLED_BACK]: 'rolled-back',
  [Outcome.OUTCOME_REFUSED]: 'refused',
  [Outcome.OUTCOME_NEEDS_OPERATOR]: 'needs-operator',
};

export function outcomeWord(outcome: Outcome): OutcomeWord {
  return OUTCOME_WORDS[outcome] ?? 'needs-operator';
}

/** What an outcome means, in a sentence. */
export const OUTCOME_SENTENCES: Record<OutcomeWord, string> = {
  running: 'The operation is still running.',
  restored: 'The cluster runs from the snapshot, on every node.',
  'rolled-back': 'The cluster is as it was before: OLD serves again, and nothing was lost.',
  refused: 'Nothing was changed.',
  'needs-operator': 'The operation stopped where only a person can go on. Read what is true on each node.',
};

/** Who a certificate's name stands for, as people call them. */
export function personWord(requestedBy: string): string {
  return parseIdentityUri(requestedBy)?.name ?? requestedBy;
}

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

const PHASE_WORDS: Record<Phase, string> = {
  [Phase.PHASE_UNSPECIFIED]: '',
  [Phase.PHASE_INSPECT]: 'inspect',
  [Phase.PHASE_PROMISE]: 'promise',
  [Phase.PHASE_STAGE]: 'stage',
  [Phase.PHASE_BUILD]: 'build',
  [Phase.PHASE_SAFEGUARD]: 'safeguard',
  [Phase.PHASE_REINSPECT]: 're-inspect',
  [Phase.PHASE_FENCE]: 'fence',
  [Phase.PHASE_SWAP]: 'swap',
  [Phase.PHASE_START_ETCD]: 'start-etcd',
  [Phase.PHASE_COMMIT]: 'commit',
  [Phase.PHASE_START_API]: 'start-api',
  [Phase.PHASE_START_CONTROLLERS]: 'start-controllers',
  [Phase.PHASE_REPORT]: 'report',
  [Phase.PHASE_UNDO]: 'undo',
};

/** Not empty where a coordinator of a newer version names a phase that this one does not know. */
export function phaseWord(phase: Phase): string {
  return PHASE_WORDS[phase] ?? `phase ${phase}`;
}

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

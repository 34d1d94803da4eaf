import type { ErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { catalogue } from '@lockstep/shared/errors/catalogue.ts';
import type { OutcomeWord } from './render/words.ts';

/** What scripts may rely on. */
export const EXIT = {
  done: 0,
  internal: 1,
  usage: 2,
  rolledBack: 3,
  needsOperator: 4,
  refused: 5,
  notAuthorised: 6,
  unreachable: 7,
  findings: 8,
  stillRunning: 9,
  failedUnchanged: 10,
  detached: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const OF_OUTCOME: Record<OutcomeWord, ExitCode> = {
  running: EXIT.stillRunning,
  restored: EXIT.done,
  'rolled-back': EXIT.rolledBack,
  refused: EXIT.refused,
  'needs-operator': EXIT.needsOperator,
};

export function exitOfOutcome(outcome: OutcomeWord): ExitCode {
  return OF_OUTCOME[outcome];
}

const OF_CODE: Partial<Record<ErrorCode, ExitCode>> = {
  INTERNAL: EXIT.internal,
  USAGE: EXIT.usage,
  CONFIG_INVALID: EXIT.usage,
  NOT_AUTHENTICATED: EXIT.notAuthorised,
  NOT_AUTHORISED: EXIT.notAuthorised,
  UNREACHABLE: EXIT.unreachable,
  NODE_UNREACHABLE: EXIT.unreachable,
  ABORTED: EXIT.rolledBack,
  MAX_OUTAGE_EXCEEDED: EXIT.rolledBack,
  UNDO_FAILED: EXIT.needsOperator,
  UNDO_WITHOUT_QUORUM: EXIT.needsOperator,
  FORWARD_FAILED: EXIT.needsOperator,
  LEDGERS_DISAGREE: EXIT.needsOperator,
  // Taking a snapshot writes nothing that was there before.
  SAVE_FAILED: EXIT.failedUnchanged,
  ETCD_UNREACHABLE: EXIT.failedUnchanged,
  ETCD_REFUSED: EXIT.failedUnchanged,
  DISK_FULL: EXIT.failedUnchanged,
  // A drill leaves nothing.
  DRILL_FAILED: EXIT.failedUnchanged,
  DRILL_YIELDED: EXIT.failedUnchanged,
  DRILL_NEAR_LIVE: EXIT.failedUnchanged,
  // What is missing is on the command line.
  COPY_KEY_NEEDED: EXIT.usage,
  COPY_KEY_WRONG: EXIT.usage,
  IDENTITY_INVALID: EXIT.usage,
  STORE_UNKNOWN: EXIT.usage,
  // A store that does not take or give a copy leaves what was there.
  STORE_UNREACHABLE: EXIT.failedUnchanged,
  STORE_DENIED: EXIT.failedUnchanged,
  STORE_MISSING: EXIT.failedUnchanged,
  STORE_FULL: EXIT.failedUnchanged,
  STORE_ALTERED: EXIT.failedUnchanged,
  STORE_FAILED: EXIT.failedUnchanged,
  // Gathering evidence only reads.
  EVIDENCE_FAILED: EXIT.failedUnchanged,
};

/** For an error that ended a command: a refusal changed nothing, any other fault may have. */
export function exitOfError(code: ErrorCode): ExitCode {
  return OF_CODE[code] ?? (catalogue[code].class === 'fault' ? EXIT.internal : EXIT.refused);
}

const OUTCOME_OF_EXIT: Record<ExitCode, string> = {
  [EXIT.done]: 'done',
  [EXIT.internal]: 'unknown',
  [EXIT.usage]: 'usage',
  [EXIT.rolledBack]: 'rolled-back',
  [EXIT.needsOperator]: 'needs-operator',
  [EXIT.refused]: 'refused',
  [EXIT.notAuthorised]: 'not-authorised',
  [EXIT.unreachable]: 'unreachable',
  [EXIT.findings]: 'findings',
  [EXIT.stillRunning]: 'running',
  [EXIT.failedUnchanged]: 'failed',
  [EXIT.detached]: 'detached',
};

/** The `outcome` of a JSON answer that is not an operation's own. */
export function outcomeOfExit(exit: ExitCode): string {
  return OUTCOME_OF_EXIT[exit];
}

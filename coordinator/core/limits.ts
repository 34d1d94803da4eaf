/** Every deadline, retry and margin of an operation, by name. Nothing waits longer than these say. */

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** How long each step may take on one node before it counts as failed. */
export const STEP_TIMEOUT_MS = {
  promise: 15 * SECOND_MS,
  stage: 60 * MINUTE_MS,
  build: 60 * MINUTE_MS,
  safeguard: 30 * MINUTE_MS,
  /** NEW is read whole once more. */
  reinspect: 30 * MINUTE_MS,
  /** Kubelet's relist (20 s), a pod's grace (30 s) and the runtime's own time, with room. */
  fenceApi: 120 * SECOND_MS,
  fenceEtcd: 60 * SECOND_MS,
  swap: 30 * SECOND_MS,
  startKubelet: 30 * SECOND_MS,
  /** InitialCorruptCheck waits 7 s for each peer that is bound but does not serve. */
  startEtcd: 90 * SECOND_MS,
  prepareGate: 60 * SECOND_MS,
  gate: 60 * SECOND_MS,
  /** Forward is the only way once an agent may have committed: patience instead of a deadline. */
  commit: 10 * MINUTE_MS,
  startApi: 2 * MINUTE_MS,
  startControllers: 2 * MINUTE_MS,
  close: MINUTE_MS,
  undoStop: 150 * SECOND_MS,
  undoStart: 2 * MINUTE_MS,
  undoVerify: 3 * MINUTE_MS,
} as const;

/** An answer travels back: the coordinator waits this much longer than it lets the agent take. */
export const ANSWER_GRACE_MS = 5 * SECOND_MS;

/** Calls that the agent answers from memory or its ledger. */
export const SHORT_CALL_TIMEOUT_MS = 10 * SECOND_MS;

/** An agent that did not answer is asked again after 100 ms, 200 ms, ... and at most every 2 s. */
export const RETRY_FIRST_MS = 100;
export const RETRY_LONGEST_MS = 2 * SECOND_MS;

/** An agent that answers with a fault after commit, or in undo, is asked this often before a person is. */
export const MAX_FAULTS_PER_STEP = 4;

/**
 * In downtime an agent that does not answer is asked this often, about 20 s: as long as it takes
 * to come back after a crash. Then OLD is brought back, rather than waiting for the step's end.
 */
export const MAX_UNANSWERED_IN_DOWNTIME = 13;

/** A pull is tried again this often: with the pauses between, as long as an agent takes to come back. */
export const MAX_PULLS = 10;

/** Between two looks at members that have not settled yet. */
export const GATE_RETRY_MS = 50;

/** Undo waits this long for an absent agent before it goes on without it, where it may. */
export const UNDO_ABSENT_GRACE_MS = 20 * SECOND_MS;
/** And this long where it may not, before a person is asked. */
export const UNDO_PATIENCE_MS = 10 * MINUTE_MS;

/** A coordinator that takes over waits this long for every ledger before it decides with those it has. */
export const SETTLE_GRACE_MS = 30 * SECOND_MS;
export const SETTLE_PATIENCE_MS = 10 * MINUTE_MS;
/** A round ends early where another coordinator got a higher promise. */
export const MAX_SETTLE_ROUNDS = 5;

export const PLAN_EXPIRES_AFTER_MS = 15 * MINUTE_MS;

export const MAX_CLOCK_SKEW_MS = 10 * SECOND_MS;

/** NEW's head lies at least this far above the highest revision of any live incarnation. */
export const REVISION_MARGIN = 1_000_000_000n;

/** After a first WAL segment (64 MB, preallocated) etcd prepares a second. */
export const WAL_BYTES = 2n * 64_000_000n;
export const SPACE_MARGIN_BYTES = 64n * 1024n * 1024n;
/** etcd's own default for --quota-backend-bytes. */
export const DEFAULT_QUOTA_BYTES = 2n * 1024n * 1024n * 1024n;

/** Events of one operation are numbered from here on within each epoch: a rebuilt journal never repeats a number. */
export const SEQUENCES_PER_EPOCH = 1_000_000n;

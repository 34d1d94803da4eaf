import type { ErrorEntry } from './entry.ts';

/** How an operation went, seen from the coordinator. */
export const operationErrors = {
  OPERATION_NOT_FOUND: {
    class: 'never',
    meaning: 'No agent and no journal knows an operation of that id.',
    cure: 'List them with `lockstep restore list`.',
  },
  OPERATION_ENDED: {
    class: 'never',
    meaning: 'The operation has ended.',
    cure: 'See how with `lockstep restore report`.',
  },
  NOT_LEADER: {
    class: 'never',
    meaning: 'Another coordinator leads this cluster, and this is for who leads.',
    cure: 'Ask the coordinator that the message names. If it does not act, stop it: another leads within ten seconds.',
  },
  ABORTED: {
    class: 'fault',
    meaning: 'An operator asked for the operation to be undone.',
    cure: 'Nothing is left to do; plan again if the restore is still wanted.',
  },
  MAX_OUTAGE_EXCEEDED: {
    class: 'fault',
    meaning: 'The gate had not passed when the allowed outage ended, so OLD was brought back.',
    cure: 'Allow a longer outage with --max-outage, or find out what took so long in the report.',
  },
  STEP_TIMED_OUT: {
    class: 'fault',
    meaning: 'A step did not end within its deadline.',
    cure: 'See the step and the node in the message.',
  },
  NODE_UNREACHABLE: {
    class: 'fault',
    meaning: 'An agent stopped answering in the middle of the operation.',
    cure: 'Bring the node or its agent back; then `lockstep restore resume`.',
  },
  GATE_MEMBERS: {
    class: 'fault',
    meaning: 'The members that started are not exactly those of the plan.',
    cure: 'See the member lists in the causes.',
  },
  GATE_CLUSTER_ID: {
    class: 'fault',
    meaning: 'The members that started do not share one new cluster id.',
    cure: 'See the cluster ids in the causes.',
  },
  GATE_ALARM: {
    class: 'fault',
    meaning: 'A member raised an alarm after the start.',
    cure: 'See which in the causes.',
  },
  GATE_API_SERVER: {
    class: 'fault',
    meaning: "An API server's manifest is back in kubelet's directory before the commit.",
    cure: 'Find who put it there (a tool, a person) and keep it away; then run the restore again.',
  },
  GATE_HASH: {
    class: 'fault',
    meaning: 'The members do not agree on the hash of the content at the pinned revision.',
    cure: 'Report this with the logs of coordinator and agents; do not go on by hand.',
  },
  UNDO_FAILED: {
    class: 'fault',
    meaning: 'Bringing OLD back did not succeed on every node.',
    cure: 'See what is true on each node, mend it, then `lockstep restore resume`, or follow UNDO.txt.',
  },
  UNDO_WITHOUT_QUORUM: {
    class: 'fault',
    meaning:
      'The reachable nodes cannot form OLD’s quorum, so undo does not run by itself; before the fence, no node answered on which it could be recorded.',
    cure: 'Bring more nodes back, then `lockstep restore resume`.',
  },
  FORWARD_FAILED: {
    class: 'fault',
    meaning: 'After the commit a node could not be brought up. NEW is the cluster’s state.',
    cure: 'See what is true on each node, mend it, then `lockstep restore resume`.',
  },
  LEDGERS_DISAGREE: {
    class: 'fault',
    meaning: 'One agent says the operation was committed, another that it was undone.',
    cure: 'Do nothing by hand before reading each ledger with `lockstep-agent ledger --local`.',
  },
} satisfies Record<string, ErrorEntry>;

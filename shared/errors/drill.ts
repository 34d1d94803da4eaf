import type { ErrorEntry } from './entry.ts';

/** About proving that a snapshot can be restored. */
export const drillErrors = {
  DRILL_IN_PROGRESS: {
    class: 'never',
    meaning: 'The node is drilling a snapshot already; it does one at a time.',
    cure: 'Wait for that drill to end, or drill on another node with --node.',
  },
  DRILL_YIELDED: {
    class: 'fault',
    meaning: 'The drill was ended and cleaned up, because an operation began on the node.',
    cure: 'Drill again once the operation has ended.',
  },
  DRILL_FAILED: {
    class: 'fault',
    meaning: 'The drill could not be brought to an end. That says nothing about the snapshot.',
    cure: 'Read the causes; drill again, or on another node with --node.',
  },
  DRILL_NEAR_LIVE: {
    class: 'fault',
    meaning: 'What the drill would use, or has started, is not apart from the live member.',
    cure: 'Nothing of the drill was left running. Check the agent’s state directory against the member’s data directory.',
  },
  MEMORY_TOO_LITTLE: {
    class: 'never',
    meaning: 'The node has too little memory left for an etcd beside its member.',
    cure: 'Drill on another node with --node.',
  },
  SNAPSHOT_UNRESTORABLE: {
    class: 'never',
    meaning: 'etcd’s own tool cannot restore the snapshot, or an etcd does not serve what it restored.',
    cure: 'Choose another snapshot; read etcd’s own words in the causes.',
  },
  SNAPSHOT_CONTENT_DIFFERS: {
    class: 'never',
    meaning: 'What came of the snapshot when it was restored is not what its card says.',
    cure: 'Choose another snapshot, and keep this one for whoever looks into it.',
  },
  SNAPSHOT_PROVEN_BAD: {
    class: 'with-reason',
    meaning: 'The last time that somebody proved the snapshot, it was found to be bad.',
    cure: 'Choose another snapshot, or prove this one again with `lockstep drill run`.',
  },
} satisfies Record<string, ErrorEntry>;

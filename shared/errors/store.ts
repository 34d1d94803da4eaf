import type { ErrorEntry } from './entry.ts';

/** Copies outside the agents' disks: the stores that hold them, and the keys that open them. */
export const storeErrors = {
  STORE_UNKNOWN: {
    class: 'fault',
    meaning: 'The coordinator’s configuration names no store of that name.',
    cure: 'Name one of `stores:` in the coordinator’s configuration, or add it there and restart the coordinator.',
  },
  STORE_UNREACHABLE: {
    class: 'fault',
    meaning: 'The store did not answer, broke the connection, or stopped in the middle.',
    cure: 'Check the endpoint and the network between coordinator and store; then repeat. Nothing half is kept.',
  },
  STORE_DENIED: {
    class: 'fault',
    meaning:
      'The store does not let this coordinator in: credentials wrong or expired, or a right is missing.',
    cure: 'Renew the credentials, or give them the right that the message names (docs/stores.md lists them).',
  },
  STORE_MISSING: {
    class: 'fault',
    meaning: 'The bucket or the directory of the store does not exist.',
    cure: 'Mount the disk, or make the bucket or directory; Lockstep makes neither.',
  },
  STORE_FULL: {
    class: 'fault',
    meaning: 'The store has no space left, or a quota is used up.',
    cure: 'Make room there; see what retention would delete with `lockstep snapshot prune --dry-run`.',
  },
  STORE_ALTERED: {
    class: 'fault',
    meaning: 'What the store took is not what was sent: its digest differs.',
    cure: 'Repeat; if it happens again, look at the store’s disks and at what stands between it and the coordinator.',
  },
  STORE_FAILED: {
    class: 'fault',
    meaning: 'The store refused for a reason of its own.',
    cure: 'Read the store’s words in the message; docs/stores.md says what is asked of a store.',
  },
  COPY_NOT_FOUND: {
    class: 'never',
    meaning: 'No store that answered holds a copy of that snapshot.',
    cure: 'List what there is with `lockstep snapshot list` and name one of those.',
  },
  COPY_DAMAGED: {
    class: 'never',
    meaning: 'A copy in a store is not what was stored there: its bytes or its card were changed or cut off.',
    cure: 'Fetch from another store or node, then put a new copy in its place with `lockstep snapshot copy`.',
  },
  COPY_SEAL_INVALID: {
    class: 'never',
    meaning:
      'What a store says of a copy is not what an agent sealed: it was changed, or its seal is no agent’s.',
    cure: 'Fetch from another store or node, put a new copy in its place with `lockstep snapshot copy`, and find out who can write to that store.',
  },
  COPY_LOCKED: {
    class: 'never',
    meaning: 'The store keeps the copy under a lock until a time that has not come.',
    cure: 'Wait until then. Nobody can delete it earlier: that is what the lock is for.',
  },
  COPY_KEY_NEEDED: {
    class: 'fault',
    meaning: 'The copy is encrypted, and no identity was given that opens it.',
    cure: 'Give the identity file of one of its recipients with --identity; it is read on this machine alone.',
  },
  COPY_KEY_WRONG: {
    class: 'fault',
    meaning: 'The identity opens no recipient of that copy.',
    cure: 'Give the identity file of one of the recipients that the message names.',
  },
  IDENTITY_INVALID: {
    class: 'fault',
    meaning: 'The identity file cannot be used.',
    cure: 'Give a file as age-keygen writes it, with lines of AGE-SECRET-KEY-1; decrypt it first where a passphrase protects it.',
  },
  SNAPSHOT_NOT_FETCHED: {
    class: 'never',
    meaning: 'The snapshot lies in a store alone; a restore needs it on an agent’s disk.',
    cure: 'Bring it there with `lockstep snapshot fetch ID`, and --identity FILE where it is encrypted; then plan again.',
  },
} satisfies Record<string, ErrorEntry>;

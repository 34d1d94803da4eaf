import type { ErrorEntry } from './entry.ts';

/** A snapshot's bytes or its card are not what they should be. */
export const snapshotErrors = {
  SNAPSHOT_NOT_FOUND: {
    class: 'never',
    meaning: 'No reachable node holds a snapshot of that id.',
    cure: 'List what there is with `lockstep snapshot list` and name one of those.',
  },
  SNAPSHOT_TRAILER_MISSING: {
    class: 'never',
    meaning: 'The file has no SHA-256 trailer: it was copied from a data directory or cut off.',
    cure: 'Use a snapshot that was saved through etcd, or take a new one with `lockstep snapshot save`.',
  },
  SNAPSHOT_TRAILER_MISMATCH: {
    class: 'never',
    meaning: 'The SHA-256 trailer does not match the bytes before it: the file was altered or damaged.',
    cure: 'Fetch the snapshot again from another node or store, or choose an older one.',
  },
  SNAPSHOT_TRUNCATED: {
    class: 'never',
    meaning: 'The file is shorter than its own header says.',
    cure: 'Fetch the snapshot again from another node or store, or choose an older one.',
  },
  SNAPSHOT_CORRUPT: {
    class: 'never',
    meaning: 'The file is no well-formed etcd store: a page, a row or a bound is wrong.',
    cure: 'Fetch the snapshot again from another node or store, or choose an older one.',
  },
  SNAPSHOT_CARD_MISMATCH: {
    class: 'never',
    meaning: 'The snapshot and its card disagree: the bytes are not those that were taken.',
    cure: 'Use a copy whose bytes agree with the card, or choose another snapshot.',
  },
  SNAPSHOT_CARD_MISSING: {
    class: 'never',
    meaning: 'The snapshot has no card, so nothing says whence it came.',
    cure: 'Use a snapshot that was taken with `lockstep snapshot save`.',
  },
} satisfies Record<string, ErrorEntry>;

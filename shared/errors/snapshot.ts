import type { ErrorEntry } from './entry.ts';

/** A snapshot's bytes or its card are not what they should be. */
export const snapshotErrors = {
  SNAPSHOT_NOT_FOUND: {
    class: 'never',
    meaning: 'There is no such file, or no reachable node holds a snapshot of that id.',
    cure: 'Look at the path; `lockstep snapshot list` shows what the nodes hold.',
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
    cure: 'Fetch the snapshot again from another node or store, or choose an older one; `lockstep inspect damage FILE` shows what of it can still be read.',
  },
  SNAPSHOT_CORRUPT: {
    class: 'never',
    meaning: 'The file is no well-formed etcd store: a page, a row or a bound is wrong.',
    cure: 'Fetch the snapshot again from another node or store, or choose an older one; `lockstep inspect damage FILE` shows what of it can still be read.',
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
  CARD_UNSEALED: {
    class: 'second-person',
    meaning: 'The card is not sealed by both its agent and a coordinator: nothing proves whence it came.',
    cure: 'Choose a sealed snapshot; or, if you know where this one comes from, override with that as the reason and have a second person approve.',
  },
  CARD_SEAL_INVALID: {
    class: 'second-person',
    meaning: 'A seal of the card does not fit it: the card was changed after it was sealed.',
    cure: 'Use another copy or another snapshot, and find out who changed this card.',
  },
  SIGNER_UNTRUSTED: {
    class: 'second-person',
    meaning: 'A seal of the card is not by one whom the cluster’s CA allows to seal it.',
    cure: 'Use another snapshot; `lockstep explain SIGNER_UNTRUSTED` and docs/trust.md say who may seal.',
  },
  SIGNER_REVOKED: {
    class: 'second-person',
    meaning: 'A signer of the card was not trusted any more when it was sealed.',
    cure: 'Choose a snapshot from before that moment or of another node; `lockstep trust list` shows whose word was withdrawn.',
  },
  REVOCATIONS_UNREADABLE: {
    class: 'fault',
    meaning: 'The list of signers whose word was withdrawn cannot be read, so no card can be judged by it.',
    cure: 'Remove the file that the message names; the other programs’ lists bring back what it held.',
  },
  SEAL_REFUSED: {
    class: 'fault',
    meaning: 'A card was not sealed, because it is not what its signer may seal.',
    cure: 'Compare clocks and names with what the message says; the snapshot is kept, unsealed.',
  },
  SIGNING_IDENTITY_MISSING: {
    class: 'fault',
    meaning: 'The program has no key to sign with, so what it saves is unsealed.',
    cure: 'Make one with `lockstep init`, which keeps what is there, and put signing.crt and signing.key beside tls.crt.',
  },
  SNAPSHOT_IN_USE: {
    class: 'never',
    meaning: 'An open operation, or a plan that has not expired, names the snapshot.',
    cure: 'Wait until the operation has ended, or the plan has expired; then delete it.',
  },
  SNAPSHOT_PINNED: {
    class: 'second-person',
    meaning: 'Somebody pinned the snapshot.',
    cure: 'Take the pin off with `lockstep snapshot unpin`, or have a second person approve the purge.',
  },
  SNAPSHOT_EVIDENCE: {
    class: 'second-person',
    meaning: 'The snapshot was pinned as evidence; such a pin does not come off.',
    cure: 'Have a second person approve the purge with `lockstep snapshot delete ID --approve PURGE`.',
  },
  SNAPSHOT_LAST_GOOD: {
    class: 'second-person',
    meaning: 'No other good snapshot would be left.',
    cure: 'Take a newer one with `lockstep snapshot save`, or have a second person approve the purge.',
  },
  SNAPSHOT_PLACE_UNKNOWN: {
    class: 'never',
    meaning: 'The place that was named does not hold the snapshot, or did not answer.',
    cure: 'See which places hold it with `lockstep snapshot list`.',
  },
  SNAPSHOT_REASON_MISSING: {
    class: 'never',
    meaning: 'Pinning and deleting want a reason, which is kept.',
    cure: 'Say why with --reason.',
  },
  SNAPSHOT_NOT_PINNED: {
    class: 'never',
    meaning: 'No pin that can come off is on the snapshot.',
    cure: 'See its pins with `lockstep snapshot show`.',
  },
  PURGE_NOT_FOUND: {
    class: 'never',
    meaning: 'Nobody asked for that purge of this snapshot here, or it has expired.',
    cure: 'Ask for it again with `lockstep snapshot delete`; it waits a quarter of an hour for the second person.',
  },
  PURGE_BY_REQUESTER: {
    class: 'never',
    meaning: 'Who asked for the purge cannot approve it.',
    cure: 'Have another person approve it, with a certificate of his own.',
  },
  MARKS_UNREADABLE: {
    class: 'fault',
    meaning: 'The file of pins and proofs beside a snapshot cannot be read; it counts as a pin.',
    cure: 'Look at ID.marks.json on that node. Where nothing in it is wanted remove the file, then pin anew.',
  },
  RETENTION_MISSING: {
    class: 'never',
    meaning: 'The coordinator’s configuration has no `retention:`, so nothing is ever deleted unasked.',
    cure: 'Add one (docs/keeping-snapshots.md) and restart the coordinator.',
  },
  SCHEDULE_INTERRUPTED: {
    class: 'fault',
    meaning: 'The coordinator stopped in the middle of a scheduled run.',
    cure: 'Nothing is left to do: it is caught up once by whoever leads.',
  },
  SCHEDULE_LATE: {
    class: 'fault',
    meaning: 'A scheduled run should have begun and has not.',
    cure: 'See whether an operation is open, and whether a coordinator leads, with `lockstep doctor`.',
  },
} satisfies Record<string, ErrorEntry>;

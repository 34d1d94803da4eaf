import type { ErrorEntry } from './entry.ts';

/** About evidence that agents gather of their nodes, and its archives. */
export const evidenceErrors = {
  EVIDENCE_ARCHIVE_INVALID: {
    class: 'never',
    meaning:
      'The file is no archive of evidence as agents write it: it is damaged, cut off or made by somebody else.',
    cure: 'Take another copy of the archive, or gather again; do not unpack this one with another program.',
  },
  EVIDENCE_DIGEST_MISMATCH: {
    class: 'never',
    meaning: 'A file in the archive is not the one whose digest the agent recorded.',
    cure: 'Take another copy of the archive, and find out who had this one in hand.',
  },
  EVIDENCE_UNSEALED: {
    class: 'never',
    meaning: 'The agent did not seal the archive: nothing proves who gathered it.',
    cure: 'Give the agent a signing identity (`lockstep init` makes one) and gather again.',
  },
  EVIDENCE_SEAL_INVALID: {
    class: 'never',
    meaning: 'The seal of the archive does not fit its manifest: it was changed after it was sealed.',
    cure: 'Take another copy of the archive, and find out who changed this one.',
  },
  EVIDENCE_COLLECTOR_UNKNOWN: {
    class: 'never',
    meaning: 'No collector has that name.',
    cure: 'Name those that the message lists, or leave out --include and --exclude.',
  },
  EVIDENCE_IN_PROGRESS: {
    class: 'never',
    meaning: 'The node is gathering evidence already; it does so once at a time.',
    cure: 'Wait for that to end, or see in the audit who asked for it.',
  },
  EVIDENCE_FAILED: {
    class: 'fault',
    meaning: 'The evidence could not be gathered to its end; nothing on the node was changed.',
    cure: 'Read the causes; gather again, or leave out the collector that the message names.',
  },
} satisfies Record<string, ErrorEntry>;

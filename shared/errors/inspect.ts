import type { ErrorEntry } from './entry.ts';

/** What a reading of a store's file cannot answer. */
export const inspectErrors = {
  OBJECT_NOT_FOUND: {
    class: 'never',
    meaning: 'The store holds no such key at that revision.',
    cure: 'List what there is with `lockstep inspect keys FILE`; `lockstep inspect history FILE KEY` shows also what was deleted.',
  },
  REVISION_COMPACTED: {
    class: 'never',
    meaning: 'The store was compacted above that revision: what it held then is not in it any more.',
    cure: 'Ask for a later revision, or look into an older snapshot; `lockstep inspect history FILE KEY` shows what free pages still hold.',
  },
  VALUE_ENCRYPTED: {
    class: 'never',
    meaning: 'The value is encrypted, and no key that was given opens it.',
    cure: 'Give the API server’s EncryptionConfiguration with --encryption-config; with a KMS provider the value cannot be read offline.',
  },
  FILE_NOT_READABLE: {
    class: 'never',
    meaning: 'What was named is no plain file, or may not be read.',
    cure: 'Look at the path and who may read it; name a file, not a directory or a pipe.',
  },
  EXPORT_TARGET_REFUSED: {
    class: 'never',
    meaning:
      'An export is written only to a directory that is new or empty, and never through a symbolic link.',
    cure: 'Name another directory, or empty this one yourself.',
  },
  API_SERVER_MISSING: {
    class: 'never',
    meaning: 'The program that was named for a sandbox is no kube-apiserver that can be run.',
    cure: 'Name a kube-apiserver of the cluster’s minor version with --apiserver; without it the sandbox is etcd alone.',
  },
  API_SERVER_MISMATCH: {
    class: 'never',
    meaning: 'The kube-apiserver that was named cannot be trusted to read this store as its own did.',
    cure: 'Name one of the minor version that the message tells, or up to three newer.',
  },
  API_SERVER_FAILED: {
    class: 'fault',
    meaning: 'The API server of a sandbox did not start, or ended by itself; the sandbox was taken away.',
    cure: 'Read its last words in the message; `lockstep inspect` reads the file without it.',
  },
} satisfies Record<string, ErrorEntry>;

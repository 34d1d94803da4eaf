/**
 * What an archive may come to, whoever wrote it. An agent stays far below by its own configuration;
 * a reader refuses what is beyond.
 */
export const ARCHIVE_LIMITS = {
  /** Beside the manifest. */
  maxFiles: 100_000,
  /** Of one file; what ustar's twelve octal digits can say is more. */
  maxFileBytes: 4 * 1024 ** 3,
  /** Of everything together, unpacked: a bomb ends here. */
  maxPlainBytes: 16 * 1024 ** 3,
  /** It is held in memory, unlike the files. */
  maxManifestBytes: 64 * 1024 ** 2,
  /** log2 of the largest window that is unpacked: 8 MiB, four times what the writer uses. */
  maxWindowLog: 23,
} as const;

export type ArchiveLimits = { readonly [Name in keyof typeof ARCHIVE_LIMITS]: number };

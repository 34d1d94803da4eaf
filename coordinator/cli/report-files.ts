import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { VisitEntry } from '@lockstep/shared/evidence-archive/read.ts';
import { openForReading } from '@lockstep/shared/snapshot/bbolt/file.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import type { ArchiveSource } from '../analysis/report/model.ts';
import { AccountReader } from '../analysis/report/node-accounts.ts';
import { authorityFor, judgeArchiveFile } from './archive-file.ts';
import type { ConfigLocation } from './config.ts';

export interface FileDigest {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Throws SNAPSHOT_NOT_FOUND, FILE_NOT_READABLE. */
export async function digestFile(path: string): Promise<FileDigest> {
  const digest = createHash('sha256');
  let sizeBytes = 0;
  const file = createReadStream(path, { fd: openForReading(path), highWaterMark: 1024 * 1024 });
  for await (const bytes of file as AsyncIterable<Buffer>) {
    digest.update(bytes);
    sizeBytes += bytes.length;
  }
  return { path, sizeBytes, sha256: digest.digest('hex') };
}

/**
 * An archive for the report, its seal judged where a CA is known. What is in one that does not hold
 * is nobody's word, and left out. `also` sees its files beside. Throws EVIDENCE_ARCHIVE_INVALID,
 * FILE_NOT_READABLE, and CONFIG_INVALID where the CA that was named does not read.
 */
export async function readArchiveSource(
  path: string,
  ca: string | undefined,
  location: ConfigLocation,
  also: VisitEntry = () => undefined,
): Promise<ArchiveSource> {
  const reader = new AccountReader();
  const authority = (cluster: string) =>
    authorityFor(cluster, ca, location).catch((thrown: unknown) => {
      if (ca !== undefined) throw thrown;
      return undefined;
    });
  let isJudged = false;
  const { archive, refusals, sealedBy } = await judgeArchiveFile(
    path,
    async (cluster) => {
      const found = await authority(cluster);
      isJudged = found !== undefined;
      return found;
    },
    (entry) => reader.visit(entry) ?? also(entry),
  );
  return {
    path,
    sizeBytes: archive.sizeBytes,
    sha256: archive.sha256,
    manifest: archive.manifest,
    sealedBy: sealedBy === undefined ? '' : identityUri(sealedBy.identity),
    sealJudged: isJudged,
    problems: refusals.map(({ code, message }) => `${code}: ${message}`),
    accounts: (refusals.length === 0 ? reader : new AccountReader()).accounts(),
  };
}

/** As `readArchiveSource`, of one that others rest on. Throws CONFIG_INVALID where its digests or its seal do not hold. */
export async function readSoundArchive(
  ...asked: Parameters<typeof readArchiveSource>
): Promise<ArchiveSource> {
  const source = await readArchiveSource(...asked);
  if (source.problems.length === 0) return source;
  throw new LockstepError('CONFIG_INVALID', {
    message: `${source.path} is no evidence: ${source.problems.join('; ')}`,
  });
}

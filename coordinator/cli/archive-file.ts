import { createReadStream } from 'node:fs';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { type ArchiveJudgement, judgeArchive } from '@lockstep/shared/evidence-archive/judge.ts';
import { type ReadArchive, readArchive, type VisitEntry } from '@lockstep/shared/evidence-archive/read.ts';
import { openPlainFile } from '@lockstep/shared/plain-file.ts';
import { type Authority } from '@lockstep/shared/seal/seal.ts';
import { readAuthority } from '@lockstep/shared/seal/signing-files.ts';
import { type ConfigLocation, loadContext } from './config.ts';

/** An archive of evidence that lies here; it is only read. Throws EVIDENCE_ARCHIVE_INVALID, FILE_NOT_READABLE. */
export async function readArchiveFile(path: string, visit?: VisitEntry): Promise<ReadArchive> {
  const file = createReadStream(path, { fd: openPlainFile(path), highWaterMark: 1024 * 1024 });
  try {
    return await readArchive(file as AsyncIterable<Buffer>, visit);
  } catch (thrown) {
    if (thrown instanceof LockstepError) {
      const { code, message, cause } = thrown;
      throw new LockstepError(code, { message: `${path}: ${message}`, cause });
    }
    throw new LockstepError('FILE_NOT_READABLE', { message: `${path} cannot be read.`, cause: thrown });
  } finally {
    file.destroy();
  }
}

export interface JudgedArchive extends ArchiveJudgement {
  readonly path: string;
  readonly archive: ReadArchive;
}

/** With what is made of its digests, and of its seal where there is a CA to judge it by. */
export async function judgeArchiveFile(
  path: string,
  authorityOf: (cluster: string) => Promise<Authority | undefined>,
  visit?: VisitEntry,
): Promise<JudgedArchive> {
  const archive = await readArchiveFile(path, visit);
  return { path, archive, ...judgeArchive(archive, await authorityOf(archive.manifest.cluster)) };
}

/**
 * The CA that a seal is held against: the file that was named, else the context's. Throws
 * CONFIG_INVALID where there is neither: a seal that nobody looks at proves nothing.
 */
export async function authorityFor(
  cluster: string,
  caFile: string | undefined,
  location: ConfigLocation,
): Promise<Authority> {
  if (caFile !== undefined) return readAuthority(cluster, caFile);
  const { tls } = await loadContext(location).catch((cause: unknown) => {
    throw new LockstepError('CONFIG_INVALID', {
      message: 'No CA is known to judge the seal by: name one with --ca, or a context with --context.',
      cause,
    });
  });
  return readAuthority(cluster, tls.caFile);
}

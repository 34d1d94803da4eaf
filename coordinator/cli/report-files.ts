import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
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

/** Throws USAGE for what cannot be read. */
export async function digestFile(path: string): Promise<FileDigest> {
  const digest = createHash('sha256');
  try {
    const { size } = await stat(path);
    for await (const bytes of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
      digest.update(bytes as Buffer);
    }
    return { path, sizeBytes: size, sha256: digest.digest('hex') };
  } catch (cause) {
    throw new LockstepError('USAGE', { message: `${path} cannot be read.`, cause });
  }
}

/**
 * An archive for the report, its seal judged where a CA is known. What is in one that does not hold
 * is nobody's word, and left out. Throws EVIDENCE_ARCHIVE_INVALID.
 */
export async function readArchiveSource(
  path: string,
  ca: string | undefined,
  location: ConfigLocation,
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
    reader.visit,
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

import { LockstepError, refusal, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import type { Answer } from '../../answer.ts';
import { authorityFor, type JudgedArchive, judgeArchiveFile } from '../../archive-file.ts';
import { EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { archivePage, verifiedPage } from '../../render/evidence.ts';
import { failure } from '../../render/refusals.ts';
import { refusalView } from '../../views/refusals.ts';

export interface VerifyOptions {
  /** Of the cluster that it was gathered in; the context's where left out. */
  readonly ca?: string;
}

/** What an archive holds, by its own word. */
export async function showEvidence(_invocation: Invocation, path: string): Promise<Answer> {
  const judged = await judgeArchiveFile(path, () => Promise.resolve(undefined));
  const { manifest, sha256, sizeBytes } = judged.archive;
  return {
    data: { path, sha256, sizeBytes, manifest },
    names: manifest.files.map(({ name }) => name),
    render: (layout) => archivePage(layout, judged),
  };
}

/** Whether it is the one that its agent sealed, and every file in it the one that was gathered. */
export async function verifyEvidence(
  { location }: Invocation,
  path: string,
  { ca }: VerifyOptions,
): Promise<Answer> {
  let judged: JudgedArchive;
  try {
    judged = await judgeArchiveFile(path, (cluster) => authorityFor(cluster, ca, location));
  } catch (thrown) {
    // That it cannot even be read is an answer to what was asked.
    if (!(thrown instanceof LockstepError) || thrown.code !== 'EVIDENCE_ARCHIVE_INVALID') throw thrown;
    const failed = toFailure(thrown);
    return {
      data: { path, refusals: [refusalView(refusal(thrown.code, failed.message))], causes: failed.causes },
      names: [path],
      render: (layout) => failure(layout, failed),
      exit: EXIT.findings,
      code: thrown.code,
    };
  }
  const { archive, refusals, sealedBy } = judged;
  const [first] = refusals;
  return {
    data: {
      path,
      sha256: archive.sha256,
      sizeBytes: archive.sizeBytes,
      gatherId: archive.manifest.gatherId,
      node: archive.manifest.node,
      files: archive.entries.size,
      sealedBy: sealedBy === undefined ? '' : identityUri(sealedBy.identity),
      sealedAt: sealedBy === undefined ? '' : new Date(sealedBy.signedMs).toISOString(),
      refusals: refusals.map(refusalView),
    },
    names: [path],
    render: (layout) => verifiedPage(layout, judged),
    ...(first === undefined ? {} : { exit: EXIT.findings, code: first.code }),
  };
}

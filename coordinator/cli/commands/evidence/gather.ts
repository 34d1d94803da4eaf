import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodeProgress } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import type { EvidenceArchive } from '@lockstep/shared/generated/lockstep/v1/evidence.ts';
import {
  OperatorServiceService,
  type OperatorServiceGatherEvidenceResponse as Response,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { Answer } from '../../answer.ts';
import { authorityFor, judgeArchiveFile } from '../../archive-file.ts';
import { type Coordinator, WAIT_MS } from '../../coordinator.ts';
import { EXIT } from '../../exit-codes.ts';
import { type Invocation, withCoordinator } from '../../invocation.ts';
import { type GatheredArchive, gatheredPage } from '../../render/evidence.ts';
import { saveDisplay } from '../../save-display.ts';

export interface GatherOptions {
  readonly node: readonly string[];
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly reason?: string;
  readonly maxBytes?: number;
  readonly dir: string;
}

/** One archive of each node into a directory of this machine; each is read and judged before it counts. */
export async function gatherEvidence(invocation: Invocation, options: GatherOptions): Promise<Answer> {
  const { node, include, exclude, reason = '', maxBytes = 0, dir } = options;
  return await withCoordinator(invocation, async (coordinator) => {
    // What is in it is of root's own: nobody else's here.
    await mkdir(dir, { recursive: true, mode: 0o700 });
    using display = saveDisplay(invocation);
    const request = {
      nodes: [...node],
      include: [...include],
      exclude: [...exclude],
      reason,
      maxBytes: BigInt(maxBytes),
    };
    const responses = coordinator.stream(OperatorServiceService.gatherEvidence, request, WAIT_MS.evidence);
    const gathered: GatheredArchive[] = [];
    const failures: Failure[] = [];
    for await (const end of writeArchives(responses, dir, (progress) => display.show(progress))) {
      if ('failure' in end) failures.push(end.failure);
      else gathered.push({ ...end, problems: await problemsOf(coordinator, invocation, end.path) });
    }
    display[Symbol.dispose]();
    const [firstFailure] = failures;
    if (gathered.length === 0 && firstFailure !== undefined) {
      throw new LockstepError('EVIDENCE_FAILED', {
        message: `${firstFailure.node}: ${firstFailure.code}: ${firstFailure.message}`,
      });
    }
    const isWhole = firstFailure === undefined && gathered.every(({ problems }) => problems.length === 0);
    return {
      data: { archives: gathered, failures },
      names: gathered.map(({ path }) => path),
      render: (layout) => gatheredPage(layout, gathered, failures),
      ...(isWhole ? {} : { exit: EXIT.findings, code: firstFailure?.code ?? 'EVIDENCE_DIGEST_MISMATCH' }),
    };
  });
}

type Written = Omit<GatheredArchive, 'problems'> | { readonly failure: Failure };

/** Writes each node's bytes as they come; what does not end as it should is removed. */
async function* writeArchives(
  responses: AsyncIterable<Response>,
  dir: string,
  show: (progress: NodeProgress) => void,
): AsyncGenerator<Written, void, undefined> {
  let file: ArchiveFile | undefined;
  try {
    for await (const { node, gatherId, event } of responses) {
      if (event?.$case === 'progress') show(event.value);
      if (event?.$case === 'failure') {
        await file?.discard();
        file = undefined;
        yield { failure: event.value };
      }
      if (event?.$case === 'data') {
        file ??= await ArchiveFile.create(dir, gatherId, node);
        await file.write(event.value);
      }
      if (event?.$case === 'archive' && file !== undefined) {
        const ended = await file
          .end(event.value)
          .catch((thrown: unknown) => ({ failure: toFailure(thrown, node) }));
        file = undefined;
        yield ended;
      }
    }
  } finally {
    await file?.discard();
  }
}

/** One archive on its way: under another name until its bytes are those that were sent. */
class ArchiveFile {
  readonly #node: string;
  readonly #path: string;
  readonly #handle: Awaited<ReturnType<typeof open>>;
  readonly #digest = createHash('sha256');

  private constructor(node: string, path: string, handle: Awaited<ReturnType<typeof open>>) {
    this.#node = node;
    this.#path = path;
    this.#handle = handle;
  }

  static async create(dir: string, gatherId: string, node: string): Promise<ArchiveFile> {
    const name = `${gatherId}-${node}.tar.zst`;
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/u.test(name)) {
      throw new LockstepError('INTERNAL', {
        message: 'The coordinator named an archive as no file is named.',
      });
    }
    const path = join(dir, name);
    return new ArchiveFile(node, path, await open(`${path}.part`, 'wx', 0o600));
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#digest.update(bytes);
    await this.#handle.write(bytes);
  }

  async end(archive: EvidenceArchive): Promise<Omit<GatheredArchive, 'problems'>> {
    const sha256 = this.#digest.digest('hex');
    if (sha256 !== archive.sha256) {
      await this.discard();
      throw new LockstepError('EVIDENCE_DIGEST_MISMATCH', {
        node: this.#node,
        message: `The bytes that came of ${this.#node} have digest ${sha256}; the agent sent ${archive.sha256}.`,
      });
    }
    await this.#handle.sync();
    await this.#handle.close();
    await rename(`${this.#path}.part`, this.#path);
    return { node: this.#node, path: this.#path, archive };
  }

  async discard(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await rm(`${this.#path}.part`, { force: true });
  }
}

async function problemsOf({ context }: Coordinator, invocation: Invocation, path: string): Promise<string[]> {
  try {
    const { refusals } = await judgeArchiveFile(path, () =>
      authorityFor(context.cluster, context.tls.caFile, invocation.location),
    );
    return refusals.map(({ code, message }) => `${code}: ${message}`);
  } catch (thrown) {
    const { code, message } = toFailure(thrown);
    return [`${code}: ${message}`];
  }
}

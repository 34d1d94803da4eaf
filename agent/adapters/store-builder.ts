import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { ToolReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { EtcdMemberPlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';

import type { StoreBuilder } from '../ports.ts';
import { absentAsUndefined, type HostFiles } from './host-files.ts';
import { inBackground } from './idle-priority.ts';
import { ProgramError, runProgram } from './run-program.ts';

export interface RestoreRequest {
  readonly tool: ToolReport;
  readonly snapshotPath: string;
  readonly targetDir: string;
  readonly member: EtcdMemberPlan;
  readonly clusterToken: string;
  readonly bumpBy: bigint | undefined;
}

/** Builds stores with etcd's own tool; the tool's path is real, the others are host paths. */
export class ToolStoreBuilder implements StoreBuilder {
  readonly #files: HostFiles;

  constructor(files: HostFiles) {
    this.#files = files;
  }

  async restore(request: RestoreRequest, signal: AbortSignal): Promise<void> {
    const target = this.#files.realPath(request.targetDir, 'write');
    if ((await absentAsUndefined(lstat(target))) !== undefined) {
      throw new LockstepError('BUILD_FAILED', {
        message: `'${request.targetDir}' is there already; a store is only ever built anew.`,
      });
    }
    const snapshot = this.#files.realPath(request.snapshotPath, 'read');
    const { program, args } = await inBackground(
      request.tool.path,
      restoreArguments(request, snapshot, target),
      signal,
    );
    // Right before it runs: between the plan and now somebody may have replaced it.
    await requireDigest(request.tool, signal);
    try {
      await runProgram(program, args, signal);
    } catch (thrown) {
      const said = thrown instanceof ProgramError ? thrown.output : String(thrown);
      throw new LockstepError('BUILD_FAILED', {
        message: `${request.tool.name} ${request.tool.version} could not build the store: ${said}`,
        cause: thrown,
      });
    }
  }
}

/** The same on every member but for its name and its addresses: that gives all of them one cluster id. */
export function restoreArguments(request: RestoreRequest, snapshot: string, target: string): string[] {
  const { member } = request;
  return [
    'snapshot',
    'restore',
    snapshot,
    `--data-dir=${target}`,
    `--name=${member.name}`,
    `--initial-cluster=${member.initialCluster}`,
    `--initial-cluster-token=${request.clusterToken}`,
    `--initial-advertise-peer-urls=${member.initialAdvertisePeerUrls.join(',')}`,
    // etcd applies the two only together.
    ...(request.bumpBy === undefined ? [] : [`--bump-revision=${request.bumpBy}`, '--mark-compacted']),
  ];
}

export async function sha256OfFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, { signal });
  return hash.digest('hex');
}

async function requireDigest(tool: ToolReport, signal: AbortSignal): Promise<void> {
  let found: string;
  try {
    found = await sha256OfFile(tool.path, signal);
  } catch (thrown) {
    throw new LockstepError('TOOL_MISMATCH', {
      message: `${tool.name} is no longer readable at '${tool.path}'.`,
      cause: thrown,
    });
  }
  if (found === tool.sha256) return;
  throw new LockstepError('TOOL_MISMATCH', {
    message: `'${tool.path}' has digest ${found}, the plan names ${tool.sha256}.`,
  });
}

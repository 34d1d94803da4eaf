import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { openEvidence } from '@lockstep/shared/evidence/open.ts';
import { isExecutable } from '@lockstep/shared/executable.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import { hasTrailer } from '@lockstep/shared/snapshot/trailer.ts';
import { deadline } from '@lockstep/shared/waiting.ts';
import { makeAnalysisStore } from '../../analysis-store.ts';
import type { Answer } from '../../answer.ts';
import { WAIT_MS } from '../../coordinator.ts';
import { type EtcdTool, findRestoreTool } from '../../etcd-tool.ts';
import type { Invocation } from '../../invocation.ts';
import { printable } from '../../plain.ts';
import { sandboxPage } from '../../render/inspect/sandbox.ts';
import { SandboxDirectory, SandboxServer } from '../../sandbox-server.ts';

export interface SandboxOptions {
  readonly etcdutl?: string;
  readonly etcd?: string;
}

const NAME = 'sandbox';

/** Serves a restored copy of a snapshot on a socket that is its owner's alone, until Ctrl-C; then nothing of it is left. */
export async function sandbox(
  invocation: Invocation,
  file: string,
  options: SandboxOptions,
): Promise<Answer> {
  const { terminal, signal, output, layout } = invocation;
  const limited = deadline(WAIT_MS.snapshot, signal);
  const snapshot = resolve(file);
  requireEtcdStore(snapshot);
  const { size } = await stat(snapshot);
  const facts = await readSnapshotFacts(
    snapshot,
    { trailer: hasTrailer(size) ? 'required' : 'absent' },
    limited,
  );
  const version = facts.status?.storageVersion || facts.clusterVersion;
  const searchPath = terminal.environment['PATH'] ?? '';
  const tool = await findRestoreTool({ named: options.etcdutl, searchPath, version }, limited);
  const program = await findServer(options.etcd, tool);
  await using directory = await SandboxDirectory.make();
  const { start } = await makeAnalysisStore(
    { tool, snapshot, facts, directory: join(directory.path, 'store'), name: NAME, clientPort: 'sockets' },
    limited,
  );
  await using server = await SandboxServer.start(program, start.slice(1), directory.path, limited);
  const ready = {
    directory: directory.path,
    endpoint: server.endpoint,
    pid: server.pid,
    revision: facts.status?.revision ?? 0n,
  };
  if (output === 'table' || output === 'wide') {
    terminal.out(
      sandboxPage(layout, { file, ...ready })
        .map((line) => `${line}\n`)
        .join(''),
    );
  } else {
    const line = JSON.stringify({ type: 'ready', ...ready, revision: Number(ready.revision) });
    terminal.out(`${printable(line)}\n`);
  }
  await server.ended(signal);
  return { data: {}, render: () => [], write: () => undefined };
}

/** Throws USAGE for K3s' SQLite: no etcd can be started on it. Throws as `openEvidence` does. */
function requireEtcdStore(path: string): void {
  using evidence = openEvidence(path);
  if (evidence.form === 'etcd') return;
  throw new LockstepError('USAGE', {
    message: `${path} is K3s' SQLite, on which no etcd can be started; look into it with the other commands of \`lockstep inspect\`.`,
  });
}

async function findServer(named: string | undefined, tool: EtcdTool): Promise<string> {
  const program = resolve(named ?? join(dirname(tool.path), 'etcd'));
  if (await isExecutable(program)) return program;
  throw new LockstepError('TOOL_MISSING', {
    message: `${program} is no etcd that can be run; name one with --etcd.`,
  });
}

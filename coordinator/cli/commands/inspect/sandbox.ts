import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { openEvidence } from '@lockstep/shared/evidence/open.ts';
import { isExecutable } from '@lockstep/shared/executable.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import { hasTrailer } from '@lockstep/shared/snapshot/trailer.ts';
import { makeAnalysisStore } from '../../analysis-store.ts';
import type { Answer } from '../../answer.ts';
import { WAIT_MS } from '../../coordinator.ts';
import { type EtcdTool, findRestoreTool } from '../../etcd-tool.ts';
import { naming } from '../../evidence-file.ts';
import type { Invocation } from '../../invocation.ts';
import { printable } from '../../plain.ts';
import { type SandboxPage, sandboxPage } from '../../render/inspect/sandbox.ts';
import { clean, wrap } from '../../render/layout.ts';
import { type ApiOptions, type ApiPlan, planApi, requireApiOptions, startApi } from '../../sandbox/api.ts';
import { copyStore } from '../../sandbox/copy.ts';
import { SandboxDirectory } from '../../sandbox/directory.ts';
import { ETCD_ENDPOINT, startEtcd } from '../../sandbox/etcd.ts';
import { StopSignals } from '../../sandbox/stop-signals.ts';

export interface SandboxOptions extends ApiOptions {
  readonly etcdutl?: string;
  readonly etcd?: string;
}

const NAME = 'sandbox';
const NOTHING_MORE: Answer = { data: {}, render: () => [], write: () => undefined };

/**
 * Serves a restored copy of a snapshot to its owner alone, until Ctrl-C; then nothing of it is
 * left. etcd answers on a socket, the API (where asked for) on loopback.
 */
export async function sandbox(
  invocation: Invocation,
  file: string,
  options: SandboxOptions,
): Promise<Answer> {
  using stop = new StopSignals(invocation.signal);
  try {
    await serve(invocation, file, options, stop);
  } catch (thrown) {
    if (!stop.signal.aborted || invocation.signal.aborted) throw thrown;
  }
  return NOTHING_MORE;
}

async function serve(
  invocation: Invocation,
  file: string,
  options: SandboxOptions,
  stop: StopSignals,
): Promise<void> {
  const limited = deadline(WAIT_MS.snapshot, stop.signal);
  const api = requireApiOptions(options);
  const snapshot = resolve(file);
  requireEtcdStore(snapshot);
  const plan = api === undefined ? undefined : await planApi(snapshot, api, invocation.location, limited);
  tellLeftOut(invocation, plan);
  const { size } = await stat(snapshot);
  const facts = await readSnapshotFacts(
    snapshot,
    { trailer: hasTrailer(size) ? 'required' : 'absent' },
    limited,
  );
  const version = facts.status?.storageVersion || facts.clusterVersion;
  const revision = facts.status?.revision ?? 0n;
  const searchPath = invocation.terminal.environment['PATH'] ?? '';
  const tool = await findRestoreTool({ named: options.etcdutl, searchPath, version }, limited);
  const program = await findServer(options.etcd, tool);
  await using directory = await SandboxDirectory.make();
  const store = join(directory.path, 'store');
  const { startOn } = await makeAnalysisStore(
    { tool, snapshot, facts, directory: store, name: NAME, clientPort: 'sockets' },
    limited,
  );
  const served = plan?.writable === true ? join(directory.path, 'writable') : store;
  if (served !== store) await copyStore(store, served);
  await using etcd = await startEtcd(program, startOn(served).slice(1), directory.path, limited);
  await using running =
    plan === undefined ? undefined : await startApi(plan, directory, { pid: etcd.pid, revision }, limited);
  tellReady(invocation, {
    file,
    directory: directory.path,
    endpoint: ETCD_ENDPOINT,
    pid: etcd.pid,
    revision,
    api:
      plan === undefined || running === undefined
        ? undefined
        : {
            url: running.server.url,
            kubeconfig: running.server.kubeconfig,
            version: plan.program.version,
            pid: running.server.process.pid,
            writable: plan.writable,
            wrote: running.wrote,
            joined: running.joined,
          },
  });
  await Promise.race([
    stop.stopped(),
    etcd.untilEnded(),
    ...(running === undefined ? [] : [running.server.process.untilEnded()]),
  ]);
}

function tellLeftOut({ terminal, layout }: Invocation, plan: ApiPlan | undefined): void {
  const notes = [
    ...(plan?.encryption?.leftOut ?? []).map(
      (plugin) => `the KMS provider ${plugin} is not asked: what it encrypted stays closed.`,
    ),
    ...(plan?.nodes ?? [])
      .filter(({ sealJudged }) => !sealJudged)
      .map(({ node }) => `nobody judged the seal of the evidence of ${node}: name the CA with --ca.`),
  ];
  for (const note of notes) {
    for (const line of wrap(layout, `note: ${clean(layout, note)}`)) terminal.err(`${line}\n`);
  }
}

function tellReady({ terminal, output, layout }: Invocation, page: SandboxPage): void {
  if (output === 'table' || output === 'wide') {
    terminal.out(
      sandboxPage(layout, page)
        .map((line) => `${line}\n`)
        .join(''),
    );
    return;
  }
  const { file: _, ...ready } = page;
  const line = JSON.stringify({ type: 'ready', ...ready, revision: Number(ready.revision) });
  terminal.out(`${printable(line)}\n`);
}

/** Throws USAGE for K3s' SQLite: no etcd can be started on it. Throws as `openEvidence` does. */
function requireEtcdStore(path: string): void {
  using evidence = naming(path, () => openEvidence(path));
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

import { mkdir } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { systemClock } from '@lockstep/shared/clock.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import type { TlsFiles } from '@lockstep/shared/tls/identity.ts';
import { HostRoot } from './adapters/host-root.ts';
import { createDescribe } from './api/describe.ts';
import type { AgentConfig } from './config.ts';
import { Executor } from './executor/executor.ts';
import { clockFrom, injectionFrom } from './executor/injection.ts';
import { takeExecutorLock } from './executor/lock.ts';
import type { StepPorts } from './executor/step.ts';
import { assembleStaticPodNode, type StaticPodNode } from './hosting/static-pod/assemble.ts';
import { Ledger } from './ledger/ledger.ts';
import { pullSnapshot } from './snapshots/pull.ts';
import { openFromAgents } from './snapshots/remote.ts';
import { SnapshotStore } from './snapshots/store.ts';

/** What the service acts through: steps see less of the snapshots. */
export interface AgentPorts extends StepPorts {
  readonly snapshots: SnapshotStore;
}

/** An agent put together, holding its node: nobody else executes anything here until it is closed. */
export interface Agent {
  readonly ledger: Ledger;
  readonly ports: AgentPorts;
  readonly executor: Executor;
  /** Real paths. */
  readonly tls: TlsFiles;
  close(): void;
}

export interface AssemblyOptions {
  readonly logger: Logger;
  readonly environment: NodeJS.ProcessEnv;
  /** How long another process may still hold the node. */
  readonly lockPatienceMs: number;
}

/** The only place where parts meet; main.ts and cli.ts call it. Throws EXECUTOR_BUSY, LEDGER_UNREADABLE, CONFIG_INVALID. */
export async function assemble(config: AgentConfig, options: AssemblyOptions): Promise<Agent> {
  const { logger, environment, lockPatienceMs } = options;
  const { cluster, node, stateDir } = config;
  const local = localPorts(config, environment);
  const { hosting, stores, storeBuilder, member, syscalls } = local;
  const realStateDir = stores.realPath(stateDir);
  await mkdir(realStateDir, { recursive: true, mode: 0o700 });
  const lock = await takeExecutorLock(
    join(realStateDir, 'executor.lock'),
    syscalls,
    lockPatienceMs,
    Date.now,
  );
  const ledger = Ledger.open({ path: ledgerPath(config), node, cluster, now: Date.now });
  const tls = realTls(config);
  const snapshots = new SnapshotStore({
    directory: join(realStateDir, 'snapshots'),
    hostDirectory: posix.join(stateDir, 'snapshots'),
    node,
  });
  const pulling = { store: snapshots, openSnapshot: openFromAgents({ tls, cluster }) };
  const ports: AgentPorts = {
    hosting,
    stores,
    builder: storeBuilder,
    member,
    snapshots,
    pull: (card, sources, progress, signal) => pullSnapshot(pulling, card, sources, progress, signal),
    readStoreFacts: (path, contentUpToRevision, signal) =>
      readSnapshotFacts(stores.realPath(path), { trailer: 'absent', contentUpToRevision }, signal),
    clock: systemClock,
    describe: createDescribe({ hosting, ledger, config, now: clockFrom(environment, node, Date.now) }),
  };
  const executor = new Executor({
    node,
    cluster,
    stateDir,
    ledger,
    ports,
    injection: injectionFrom(environment, node),
    logger,
  });
  return {
    ledger,
    ports,
    executor,
    tls,
    close: () => {
      local.close();
      ledger.close();
      // Last: whoever waits for the node finds everything closed.
      lock[Symbol.dispose]();
    },
  };
}

/** What looks at the node and needs neither ledger nor lock. */
export function localPorts(config: AgentConfig, environment: NodeJS.ProcessEnv = process.env): StaticPodNode {
  return assembleStaticPodNode(config, environment['PATH'] ?? '');
}

/** Real path of the ledger. */
export function ledgerPath(config: AgentConfig): string {
  const root = new HostRoot(config.hostRoot, [{ path: config.stateDir, access: 'read' }]);
  return root.resolve(posix.join(config.stateDir, 'ledger.db'), 'read');
}

function realTls({ hostRoot, tls }: AgentConfig): TlsFiles {
  const { caFile, certFile, keyFile } = tls;
  const directories = [caFile, certFile, keyFile].map(dirname);
  const root = new HostRoot(
    hostRoot,
    directories.map((path) => ({ path, access: 'read' })),
  );
  return {
    caFile: root.resolve(caFile, 'read'),
    certFile: root.resolve(certFile, 'read'),
    keyFile: root.resolve(keyFile, 'read'),
  };
}

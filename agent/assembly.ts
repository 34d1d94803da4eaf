import { dirname, join, posix } from 'node:path';
import type { Around } from '@lockstep/shared/around.ts';
import { systemClock } from '@lockstep/shared/clock.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { RevocationFile } from '@lockstep/shared/seal/revocation-file.ts';
import { type SigningFiles, signingFilesBeside } from '@lockstep/shared/seal/signing-files.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import { identityUri, type TlsFiles } from '@lockstep/shared/tls/identity.ts';
import { StateDrillPlaces } from './adapters/drill-places.ts';
import { ChildDrillServers } from './adapters/drill-servers.ts';
import { HostRoot } from './adapters/host-root.ts';
import { memoryAvailableBytes } from './adapters/memory.ts';
import { ProcessTable } from './adapters/process-table.ts';
import { createDescribe } from './api/describe.ts';
import type { AgentConfig } from './config.ts';
import { Drills } from './drill/drills.ts';
import { assembleGatherer } from './evidence/assemble.ts';
import { gatherBefore } from './evidence/before-restore.ts';
import type { EvidenceGatherer } from './evidence/gatherer.ts';
import { Executor } from './executor/executor.ts';
import { HANDLERS } from './executor/handlers.ts';
import { takeExecutorLock } from './executor/lock.ts';
import type { StepPorts } from './executor/step.ts';
import { assembleNode, type HostedNode } from './hosting/assemble.ts';
import { Ledger } from './ledger/ledger.ts';
import { Reserve, reservePath } from './ledger/reserve.ts';
import type { Joining, JudgeSeals, LockDatabase, Membership, PullSnapshot, ReadStoreFacts } from './ports.ts';
import { pullSnapshot } from './snapshots/pull.ts';
import { openFromAgents } from './snapshots/remote.ts';
import type { SnapshotSource } from './snapshots/save.ts';
import { AgentSealing } from './snapshots/sealing.ts';
import { SnapshotStore } from './snapshots/store.ts';

/** What the service acts through: steps see less of the snapshots. */
export interface AgentPorts extends StepPorts {
  readonly snapshots: SnapshotStore;
  readonly sealing: AgentSealing;
  readonly lockDatabase: LockDatabase;
  /** The member on this node, for a snapshot: it need not have a quorum. */
  readonly snapshotSource: SnapshotSource;
  readonly evidence: EvidenceGatherer;
}

/** An agent put together, holding its node: nobody else executes anything here until it is closed. */
export interface Agent {
  readonly ledger: Ledger;
  readonly ports: AgentPorts;
  readonly executor: Executor;
  readonly drills: Drills;
  /** Real paths. */
  readonly tls: TlsFiles;
  close(): void;
}

export interface AssemblyOptions {
  readonly logger: Logger;
  readonly environment: NodeJS.ProcessEnv;
  /** What stands around each port. */
  readonly around: Around;
  /** How long another process may still hold the node. */
  readonly lockPatienceMs: number;
}

/** The only place where parts meet; main.ts and cli.ts call it. Throws EXECUTOR_BUSY, LEDGER_UNREADABLE, CONFIG_INVALID. */
export async function assemble(config: AgentConfig, options: AssemblyOptions): Promise<Agent> {
  const { logger, environment, around, lockPatienceMs } = options;
  const { cluster, node, stateDir } = config;
  const local = localPorts(config, environment);
  const { stores, syscalls } = local;
  const clock = around('clock', systemClock);
  const realStateDir = stores.realPath(stateDir);
  // Its name for good: a ledger is no safer than the directory it lies in.
  await stores.makeDirectory(stateDir, 0o700, deadline(lockPatienceMs));
  const lock = await takeExecutorLock(
    join(realStateDir, 'executor.lock'),
    syscalls,
    lockPatienceMs,
    Date.now,
  );
  const opened = Ledger.open({ path: ledgerPath(config), node, cluster, now: () => clock.nowMs() });
  const ledger = around('ledger', opened);
  const hosting = around('hosting', local.hosting);
  const tls = realTls(config);
  const snapshots = around(
    'snapshots',
    new SnapshotStore({
      directory: join(realStateDir, 'snapshots'),
      hostDirectory: posix.join(stateDir, 'snapshots'),
      node,
    }),
  );
  const openSnapshot = around('openSnapshot', openFromAgents({ tls, cluster }));
  const pull: PullSnapshot = (carried, sources, progress, signal) =>
    pullSnapshot({ store: snapshots, openSnapshot }, carried, sources, progress, signal);
  const sealing = around(
    'sealing',
    new AgentSealing({
      cluster,
      node,
      signing: realSigning(config),
      caFile: tls.caFile,
      revocations: new RevocationFile(realStateDir),
      clock,
      logger,
    }),
  );
  const judgeSeals: JudgeSeals = (sealed) => sealing.judge(sealed);
  const lockDatabase: LockDatabase = (path, signal) => stores.lockDatabase(path, signal);
  const readStoreFacts: ReadStoreFacts = (path, contentUpToRevision, signal) =>
    readSnapshotFacts(stores.realPath(path), { trailer: 'absent', contentUpToRevision }, signal);
  const member = around('member', local.member);
  const gathering = assembleGatherer({ config, hosting, snapshots, sealing, clock });
  const ports: AgentPorts = {
    hosting,
    stores: around('stores', stores),
    builder: around('builder', local.storeBuilder),
    member,
    snapshotSource: {
      observe: (signal) => local.member.identify(signal),
      snapshot: (signal) => member.snapshot(signal),
    },
    evidence: around('evidence', gathering.gatherer),
    gatherBefore: around(
      'gatherBefore',
      gatherBefore(gathering.gatherer, stores, stateDir, identityUri({ cluster, role: 'agent', name: node })),
    ),
    joining: around<Joining>('joining', local.hosting),
    membership: around<Membership>('membership', local.member),
    snapshots,
    sealing,
    pull: around('pull', pull),
    judgeSeals: around('judgeSeals', judgeSeals),
    readStoreFacts: around('readStoreFacts', readStoreFacts),
    lockDatabase: around('lockDatabase', lockDatabase),
    clock,
    describe: createDescribe({ hosting, ledger, config, sealing, now: () => clock.nowMs() }),
  };
  const executor = new Executor({
    node,
    cluster,
    stateDir,
    ledger,
    ports,
    handlers: around('handlers', HANDLERS),
    logger,
  });
  const drills = new Drills({
    node,
    ledger,
    clock,
    logger,
    ports: {
      ...ports,
      readStoreFacts: (path, contentUpToRevision, signal) =>
        readSnapshotFacts(
          stores.realPath(path),
          { trailer: 'absent', contentUpToRevision, background: true },
          signal,
        ),
      places: new StateDrillPlaces({
        stateDir: realStateDir,
        hostStateDir: stateDir,
        processes: new ProcessTable(),
        syscalls,
        clock,
      }),
      servers: new ChildDrillServers({ clock, realPath: (path) => stores.realPath(path) }),
      memoryAvailableBytes,
      mark: async (marks) => void (await snapshots.mark(marks)),
    },
  });
  return {
    ledger,
    ports,
    executor,
    drills,
    tls,
    close: () => {
      gathering.close();
      local.close();
      opened.close();
      // Last: whoever waits for the node finds everything closed.
      lock[Symbol.dispose]();
    },
  };
}

/** What looks at the node and needs neither ledger nor lock. */
export function localPorts(config: AgentConfig, environment: NodeJS.ProcessEnv = process.env): HostedNode {
  const reserve = new Reserve(reservePath(ledgerPath(config)));
  return assembleNode(config, environment['PATH'] ?? '', () => reserve.release());
}

/** Real path of the ledger. */
export function ledgerPath(config: AgentConfig): string {
  const root = new HostRoot(config.hostRoot, [{ path: config.stateDir, access: 'read' }]);
  return root.resolve(posix.join(config.stateDir, 'ledger.db'), 'read');
}

/** Beside the TLS files where the configuration names none. They need not be there. */
function realSigning({ hostRoot, tls, signing }: AgentConfig): SigningFiles {
  const { certFile, keyFile } = signing ?? signingFilesBeside(tls.certFile);
  const root = new HostRoot(
    hostRoot,
    [certFile, keyFile].map((path) => ({ path: dirname(path), access: 'read' })),
  );
  return { certFile: root.resolve(certFile, 'read'), keyFile: root.resolve(keyFile, 'read') };
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

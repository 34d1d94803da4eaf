import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StateDrillPlaces } from '@lockstep/agent/adapters/drill-places.ts';
import { ChildDrillServers } from '@lockstep/agent/adapters/drill-servers.ts';
import { HostFiles } from '@lockstep/agent/adapters/host-files.ts';
import { HostRoot } from '@lockstep/agent/adapters/host-root.ts';
import { EtcdLocalMember } from '@lockstep/agent/adapters/local-member.ts';
import { ProcessTable } from '@lockstep/agent/adapters/process-table.ts';
import { sha256OfFile, ToolStoreBuilder } from '@lockstep/agent/adapters/store-builder.ts';
import { HostStores } from '@lockstep/agent/adapters/stores.ts';
import { Syscalls } from '@lockstep/agent/adapters/syscalls.ts';
import { Drills } from '@lockstep/agent/drill/drills.ts';
import type { DrillPorts } from '@lockstep/agent/drill/ports.ts';
import { inspectStore } from '@lockstep/agent/hosting/inspect/inspect-etcd.ts';
import type { AuditRecord } from '@lockstep/agent/ledger/records.ts';
import { saveSnapshot } from '@lockstep/agent/snapshots/save.ts';
import { SnapshotStore } from '@lockstep/agent/snapshots/store.ts';
import { systemClock } from '@lockstep/shared/clock.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { Proof, SnapshotCard, SnapshotMarks } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import type { EtcdTools } from '../../lab/tools/locate.ts';
import { type RunningEtcd, startEtcd } from '../adapters/support/etcd-process.ts';

const DRILL_TIMEOUT_MS = 100_000;
export const soon = (): AbortSignal => deadline(DRILL_TIMEOUT_MS);

/** A live member, its snapshots, and the drills of its node: all real but for who describes the node. */
export class DrillBench implements AsyncDisposable {
  readonly directory: string;
  readonly etcd: RunningEtcd;
  readonly store: SnapshotStore;
  readonly member: EtcdLocalMember;
  readonly ports: DrillPorts;
  readonly drills: Drills;
  readonly audits: Omit<AuditRecord, 'atMs'>[] = [];
  readonly marks: SnapshotMarks[] = [];
  openOperationId: string | undefined;
  /** What the node says of itself; tests make it less. */
  alter: (report: NodeReport) => NodeReport = (report) => report;

  private constructor(directory: string, etcd: RunningEtcd, tools: EtcdTools) {
    this.directory = directory;
    this.etcd = etcd;
    this.member = new EtcdLocalMember({ endpoint: async () => etcd.endpoint });
    const syscalls = new Syscalls();
    const root = new HostRoot('/', [
      { path: this.stateDir, access: 'write' },
      { path: etcd.dataDir, access: 'read' },
    ]);
    const files = new HostFiles(root, syscalls);
    const snapshots = join(this.stateDir, 'snapshots');
    this.store = new SnapshotStore({ directory: snapshots, hostDirectory: snapshots, node: 'cp1' });
    const stores = new HostStores(files, syscalls, this.stateDir);
    this.ports = {
      snapshots: this.store,
      stores,
      builder: new ToolStoreBuilder(files),
      readStoreFacts: (path, contentUpToRevision, signal) =>
        readSnapshotFacts(path, { trailer: 'absent', contentUpToRevision }, signal),
      places: new StateDrillPlaces({
        stateDir: this.stateDir,
        hostStateDir: this.stateDir,
        processes: new ProcessTable(),
        syscalls,
        clock: systemClock,
      }),
      servers: new ChildDrillServers({ clock: systemClock, realPath: (path) => path }),
      describe: async (signal) => this.alter(await this.#describe(tools, signal)),
      memoryAvailableBytes: () => 8_000_000_000n,
      mark: async (marks) => void this.marks.push(marks),
    };
    this.drills = this.drillsWith({});
  }

  static async up(tools: EtcdTools): Promise<DrillBench> {
    const directory = await mkdtemp(join(tmpdir(), 'lockstep-drill-'));
    const etcd = await startEtcd({ directory, tools, readyMs: 60_000 });
    const bench = new DrillBench(directory, etcd, tools);
    await mkdir(bench.stateDir, { recursive: true });
    await bench.write(40);
    return bench;
  }

  get stateDir(): string {
    return join(this.directory, 'state');
  }

  drillsWith(ports: Partial<DrillPorts>, timeoutMs?: number): Drills {
    return new Drills({
      node: 'cp1',
      ledger: {
        openOperation: () =>
          this.openOperationId === undefined
            ? undefined
            : {
                operationId: this.openOperationId,
                plan: new Uint8Array(),
                planSha256: '',
                openedMs: 0,
                phase: 'open',
                effects: [],
              },
        recordAudit: (record) => void this.audits.push(record),
      },
      ports: { ...this.ports, ...ports },
      clock: systemClock,
      logger: createLogger('drills', 'silent'),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  }

  /** Objects as an API server would write them, and one that is overwritten and deleted. */
  async write(pods: number): Promise<void> {
    using client = new EtcdClient(this.etcd.endpoint);
    const put = (key: string, value: string): Promise<unknown> =>
      client.put(Buffer.from(`/registry/${key}`), Buffer.from(value), soon());
    const object = (kind: string, name: string): string =>
      JSON.stringify({ apiVersion: 'v1', kind, metadata: { name } });
    await put('namespaces/default', object('Namespace', 'default'));
    for (let at = 0; at < pods; at++) {
      await put(`configmaps/default/c${at}`, `${object('ConfigMap', `c${at}`)}${' '.repeat(500)}`);
      await put(`services/specs/default/s${at}`, object('Service', `s${at}`));
    }
    await put('configmaps/default/gone', object('ConfigMap', 'gone'));
    await client.deleteRange(Buffer.from('/registry/configmaps/default/gone'), soon());
  }

  async save(): Promise<SnapshotCard> {
    const { card } = await saveSnapshot(
      {
        describe: async () => NodeReport.fromPartial({ node: 'cp1', etcd: { version: this.#version } }),
        member: this.member,
        store: this.store,
        seal: async (card) => ({ card, sealed: undefined }),
        now: Date.now,
      },
      { node: 'cp1', cluster: 'lab', reason: 'a test' },
      () => undefined,
      soon(),
    );
    if (card === undefined) throw new Error('no card');
    return card;
  }

  drill(snapshotId: string, onStep: (step: string) => void = () => undefined): Promise<Proof> {
    return this.drills.run(snapshotId, 'lockstep://lab/coordinator/c1', onStep, soon());
  }

  #version = '';

  async #describe(tools: EtcdTools, signal: AbortSignal): Promise<NodeReport> {
    const seen = await this.member.observe(signal);
    this.#version = seen.version;
    const path = tools.etcdutl;
    return NodeReport.fromPartial({
      node: 'cp1',
      etcd: {
        version: seen.version,
        clusterId: seen.clusterId,
        dataDir: this.etcd.dataDir,
        store: inspectStore(this.etcd.dataDir, new ProcessTable().mounts()),
      },
      disks: [
        { purpose: 'state', path: this.stateDir, freeBytes: 90_000_000_000n, totalBytes: 100_000_000_000n },
      ],
      tools: [
        {
          name: tools.version.startsWith('3.4.') ? 'etcdctl' : 'etcdutl',
          path,
          source: 'configured',
          version: tools.version,
          sha256: await sha256OfFile(path, signal),
        },
      ],
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drills.close();
    this.member.close();
    await this.etcd.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}

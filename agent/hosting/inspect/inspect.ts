import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';

import type { ContainerRuntime } from '../../adapters/cri.ts';
import type { HostFiles } from '../../adapters/host-files.ts';
import type { EtcdLocalMember } from '../../adapters/local-member.ts';
import type { ProcessTable } from '../../adapters/process-table.ts';
import type { UnitHold } from '../../adapters/systemd.ts';
import type { Provenance } from '../../ports.ts';
import type { EtcdSettings } from '../etcd-settings.ts';
import type { NodeSettings } from '../node-settings.ts';
import { addressOfUrl } from '../proof-of-stop.ts';
import type { ManifestContainer } from '../static-pod/manifest.ts';
import type { FoundManifest, ManifestDirectory } from '../static-pod/manifest-directory.ts';
import type { EtcdUnitFiles } from '../systemd/etcd-unit-files.ts';
import { foreignClients, outsideAddresses, ownAddresses } from './etcd-clients.ts';
import { inspectApiServer } from './inspect-api-server.ts';
import { etcdCaFingerprint, inspectEtcd } from './inspect-etcd.ts';
import { inspectDisk, inspectKubelet } from './inspect-host.ts';
import { inspectUnit } from './inspect-unit.ts';
import { InspectionNotes } from './inspection-notes.ts';
import type { Readiness } from './readiness.ts';
import type { ToolFinder, ToolPlaces } from './tools.ts';

export interface InspectorParts {
  readonly files: HostFiles;
  readonly manifests: ManifestDirectory;
  readonly settings: NodeSettings;
  readonly member: EtcdLocalMember;
  readonly runtime: ContainerRuntime;
  readonly kubelet: UnitHold;
  readonly processes: ProcessTable;
  readonly readiness: Readiness;
  readonly tools: ToolFinder;
  readonly configuredTools: ToolPlaces['configured'];
  readonly searchPath: string;
  readonly stateDir: string;
  readonly kubeletUnit: string;
  readonly kubeletConfigPath: string;
  /** Where etcd is a unit, and no static pod. */
  readonly etcdUnit: { readonly files: EtcdUnitFiles; readonly hold: UnitHold } | undefined;
  readonly hostRoot: string;
}

/** Everything of a node's report that is not the ledger's. Changes nothing. */
export class Inspector {
  readonly #parts: InspectorParts;

  constructor(parts: InspectorParts) {
    this.#parts = parts;
  }

  async inspect(signal: AbortSignal): Promise<NodeReport> {
    const { files, manifests, settings, stateDir } = this.#parts;
    const notes = new InspectionNotes();
    const live = await notes.attempt<FoundManifest[]>("kubelet's manifests", [], () => manifests.live());
    const etcdSettings = await notes.attempt('how etcd is run', undefined, () => settings.etcd());
    const dataDir = etcdSettings?.dataDir;
    const isReady = (until: AbortSignal): Promise<boolean> => this.#parts.readiness.isApiReady(until);
    const [etcdUnit, etcd, apiServer, kubelet, tools, disks] = await Promise.all([
      notes.attempt("etcd's unit", undefined, () => this.#etcdUnit(notes, signal)),
      notes.attempt('etcd', undefined, () => this.#etcd(etcdSettings, notes, signal)),
      notes.attempt('the API server', undefined, () => this.#apiServer(notes, signal, isReady)),
      notes.attempt("kubelet's configuration", undefined, () => this.#kubelet(signal)),
      notes.attempt("etcd's tools", [], () => this.#tools(signal)),
      Promise.all(
        [
          ...(dataDir === undefined ? [] : [{ purpose: 'data', path: dataDir }]),
          { purpose: 'state', path: stateDir },
        ].map(({ purpose, path }) =>
          notes.attempt(`the disk of '${path}'`, undefined, () =>
            inspectDisk(purpose, path, files.realPath(path, 'read')),
          ),
        ),
      ),
    ]);
    const etcdClients = await notes.attempt("etcd's connections", [], () =>
      etcdSettings === undefined ? [] : this.#clients(etcdSettings, etcd?.members.flatMap(urlsOf) ?? []),
    );
    const hosting = this.#parts.etcdUnit === undefined ? 'static-pod' : 'systemd';
    return {
      ...UNKNOWN_TO_THE_HOSTING,
      hosting:
        live.some(({ manifest }) => manifest?.component !== undefined) || etcd !== undefined ? hosting : '',
      etcd,
      etcdUnit,
      apiServer,
      manifests: live.map(({ report }) => report),
      kubelet,
      disks: disks.filter((disk) => disk !== undefined),
      tools,
      etcdClients,
      failures: notes.failures,
      hostAddresses: outsideAddresses(),
    };
  }

  /** As in `inspect`; what cannot be read is left out. */
  async provenance(signal: AbortSignal): Promise<Provenance> {
    const notes = new InspectionNotes();
    const [etcd, apiServer] = await Promise.all([
      notes.attempt('etcd', undefined, () => this.#etcdProvenance(notes, signal)),
      notes.attempt('the API server', undefined, () => this.#apiServer(notes, signal, async () => false)),
    ]);
    return { etcd, apiServer };
  }

  async #etcdProvenance(notes: InspectionNotes, signal: AbortSignal): Promise<Provenance['etcd']> {
    const { files, member, settings } = this.#parts;
    const found = settings.etcd();
    if (found === undefined) return undefined;
    const [version, caSha256] = await Promise.all([
      notes.attempt('the member', '', async () => (await member.identify(signal)).version),
      notes.attempt('the CA of etcd', '', () => etcdCaFingerprint(found, files, signal)),
    ]);
    return { version, caSha256 };
  }

  async #etcd(
    settings: EtcdSettings | undefined,
    notes: InspectionNotes,
    signal: AbortSignal,
  ): Promise<NodeReport['etcd']> {
    const { files, member, processes } = this.#parts;
    const container = this.#etcdContainer();
    if (settings === undefined || container === undefined) return undefined;
    const prefix = this.#parts.settings.apiServer()?.etcdPrefix ?? '/registry';
    const mounts = processes.mounts();
    return inspectEtcd({ container, settings, prefix, member, files, mounts, notes }, signal);
  }

  async #apiServer(
    notes: InspectionNotes,
    signal: AbortSignal,
    ready: (signal: AbortSignal) => Promise<boolean>,
  ): Promise<NodeReport['apiServer']> {
    const { settings, files } = this.#parts;
    const found = settings.apiServer();
    if (found === undefined) return undefined;
    const clusterCaFile = settings.clusterCaFile();
    return inspectApiServer({ settings: found, clusterCaFile, files, notes, ready }, signal);
  }

  /** What etcd is started with: of its manifest, or of its unit, which maps no paths. */
  #etcdContainer(): ManifestContainer | undefined {
    const { etcdUnit, manifests } = this.#parts;
    if (etcdUnit === undefined) return manifests.container('etcd');
    const unit = etcdUnit.files.read();
    if (unit === undefined) return undefined;
    return { name: 'etcd', image: '', words: unit.words, environment: unit.environment, mounts: [] };
  }

  async #etcdUnit(notes: InspectionNotes, signal: AbortSignal): Promise<NodeReport['etcdUnit']> {
    const { etcdUnit, processes, hostRoot } = this.#parts;
    const unit = etcdUnit?.files.read();
    if (etcdUnit === undefined || unit === undefined) return undefined;
    return inspectUnit(
      { unit, files: etcdUnit.files, hold: etcdUnit.hold, processes, hostRoot, notes },
      signal,
    );
  }

  async #kubelet(signal: AbortSignal): Promise<NodeReport['kubelet']> {
    const { kubelet, kubeletUnit, kubeletConfigPath, files, etcdUnit } = this.#parts;
    // An etcd host need not be a node of Kubernetes.
    if (etcdUnit !== undefined && !(await files.exists(kubeletConfigPath, signal))) return undefined;
    return inspectKubelet({ unit: kubeletUnit, configPath: kubeletConfigPath, hold: kubelet }, files, signal);
  }

  async #tools(signal: AbortSignal): Promise<NodeReport['tools']> {
    const { tools, configuredTools: configured, searchPath, etcdUnit } = this.#parts;
    const etcdRoot = etcdUnit === undefined ? await this.#etcdRoot(signal) : undefined;
    return tools.find({ configured, searchPath, etcdRoot }, signal);
  }

  /** Of the running etcd's container, as the runtime tells its process. */
  async #etcdRoot(signal: AbortSignal): Promise<string | undefined> {
    const { runtime, processes } = this.#parts;
    try {
      const pods = await runtime.staticPods(['etcd'], signal);
      const running = pods.flatMap((pod) => pod.containers).find(({ state }) => state === 'running');
      const pid = running === undefined ? undefined : await runtime.pidOf(running.id, signal);
      return pid === undefined ? undefined : processes.rootOf(pid);
    } catch (thrown) {
      // Without a runtime there are still the configured tool and PATH.
      if (thrown instanceof LockstepError && thrown.code === 'CONTAINER_RUNTIME_FAILED') return undefined;
      throw thrown;
    }
  }

  #clients(settings: EtcdSettings, memberUrls: readonly string[]): string[] {
    const listeners = settings.listenClientUrls.flatMap((url) => addressOfUrl(url) ?? []);
    const members = memberUrls.flatMap((url) => addressOfUrl(url)?.address ?? []);
    return foreignClients(this.#parts.processes.sockets(), listeners, [...ownAddresses(), ...members]);
  }
}

const UNKNOWN_TO_THE_HOSTING = {
  node: '',
  cluster: '',
  ledgerId: '',
  agentVersion: '',
  clockMs: 0n,
  openOperationId: '',
  promised: undefined,
  advertiseAddress: '',
  setAsideOperationId: '',
  signing: undefined,
} as const satisfies Partial<NodeReport>;

function urlsOf(member: { peerUrls: readonly string[]; clientUrls: readonly string[] }): string[] {
  return [...member.peerUrls, ...member.clientUrls];
}

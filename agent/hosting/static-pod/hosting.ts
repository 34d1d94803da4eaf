import { dirname, posix } from 'node:path';

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { EncryptionVerdict } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { EtcdMemberPlan, NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { EncryptionUse } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';

import type { ContainerRuntime } from '../../adapters/cri.ts';
import type { HostFiles } from '../../adapters/host-files.ts';
import type { SocketAddress } from '../../adapters/proc-tables.ts';
import type { ProcessTable } from '../../adapters/process-table.ts';
import { isStopped, type UnitHold } from '../../adapters/systemd.ts';
import type { Component, Hosting, Joining, KubeletState, Provenance, UndoPaths } from '../../ports.ts';
import { reachable } from '../etcd-settings.ts';
import { checkEncryption } from '../inspect/encryption-check.ts';
import type { Inspector } from '../inspect/inspect.ts';
import type { Readiness } from '../inspect/readiness.ts';
import type { NodeSettings } from '../node-settings.ts';
import { addressOfUrl, apiServerAddress, contradiction } from '../proof-of-stop.ts';
import { storeFiles } from '../store-files.ts';
import { undoText } from '../undo-text.ts';
import { joiningManifest } from './joining-manifest.ts';
import { plannedFileName } from './manifest-directory.ts';
import type { ComponentStopper } from './stop-components.ts';

const PARKED_MODE = 0o700;
/** As kubeadm writes them. */
const MANIFEST_MODE = 0o600;

export interface StaticPodParts {
  readonly files: HostFiles;
  readonly settings: NodeSettings;
  readonly inspector: Inspector;
  readonly readiness: Readiness;
  readonly kubelet: UnitHold;
  readonly runtime: ContainerRuntime;
  readonly stopper: ComponentStopper;
  readonly processes: ProcessTable;
  readonly runtimeSocket: string;
  readonly holdFile: string;
}

/** kubeadm's way of running a control plane: kubelet starts what lies in its manifest directory. */
export class StaticPodHosting implements Hosting, Joining {
  readonly kind = 'static-pod';
  readonly #parts: StaticPodParts;

  constructor(parts: StaticPodParts) {
    this.#parts = parts;
  }

  inspect(signal: AbortSignal): Promise<NodeReport> {
    return this.#parts.inspector.inspect(signal);
  }

  provenance(signal: AbortSignal): Promise<Provenance> {
    return this.#parts.inspector.provenance(signal);
  }

  async prepareHold(signal: AbortSignal): Promise<void> {
    const { settings, kubelet } = this.#parts;
    if (settings.etcd() === undefined && settings.apiServer() === undefined) return;
    await kubelet.prepare(signal);
  }

  holdKubelet(operationId: string, signal: AbortSignal): Promise<void> {
    return this.#parts.kubelet.hold(operationId, signal);
  }

  releaseKubelet(_operationId: string, signal: AbortSignal): Promise<void> {
    return this.#parts.kubelet.release(signal);
  }

  async kubeletState(operationId: string, signal: AbortSignal): Promise<KubeletState> {
    const { held, marked, state } = await this.#parts.kubelet.observe(operationId, signal);
    return { held, marked, active: !isStopped(state) };
  }

  async parkManifests(
    plan: NodePlan,
    components: readonly Component[],
    parkedDir: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { files } = this.#parts;
    await files.inKeptRoom(() => files.makeDirectory(parkedDir, PARKED_MODE, signal));
    const moves: { from: string; to: string }[] = [];
    for (const component of components) {
      const { live, parked } = manifestPaths(plan, component, parkedDir);
      const place = await this.#placeOf(live, parked, component, signal);
      if (place === 'live') moves.push({ from: live, to: parked });
      if (place === 'copied') {
        // The name that stays is durable before the other goes.
        await files.syncNamesIn([parkedDir], signal);
        await files.remove(live, signal);
      }
    }
    await files.moveAll(moves, signal);
    if (moves.length === 0) await files.syncNamesIn([parkedDir, plan.staticPodPath], signal);
  }

  async returnManifest(
    plan: NodePlan,
    component: Component,
    parkedDir: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { files } = this.#parts;
    const { live, parked } = manifestPaths(plan, component, parkedDir);
    const place = await this.#placeOf(live, parked, component, signal);
    if (place === 'parked') await files.moveAll([{ from: parked, to: live }], signal);
    // In one step, so that kubelet sees neither go: whoever copied it may have had it started.
    else if (place === 'copied') await files.moveOverCopy(parked, live, signal);
    else await files.syncNamesIn([plan.staticPodPath, parkedDir], signal);
  }

  async placeJoiningManifest(
    plan: NodePlan,
    parkedDir: string,
    initialCluster: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { files } = this.#parts;
    const { live, parked } = manifestPaths(plan, 'etcd', parkedDir);
    const text = joiningManifest((await files.read(parked, signal)).toString('utf8'), initialCluster);
    const inPlace = await files.readIfThere(live, signal);
    if (inPlace !== undefined && inPlace.toString('utf8') !== text) {
      throw new LockstepError('MANIFEST_CONFLICT', {
        message: `'${live}' is there and is not the manifest that joins.`,
      });
    }
    const mode = plan.manifests.find(({ component }) => component === 'etcd')?.mode || MANIFEST_MODE;
    await files.write(live, text, mode & 0o777, signal);
  }

  async removeJoiningManifest(plan: NodePlan, parkedDir: string, signal: AbortSignal): Promise<void> {
    const { files } = this.#parts;
    const { live, parked } = manifestPaths(plan, 'etcd', parkedDir);
    if (!(await files.exists(parked, signal))) {
      throw new LockstepError('MANIFEST_MISSING', {
        message: `'${parked}' is not there: '${live}' may be the only manifest of etcd and stays.`,
      });
    }
    await files.remove(live, signal);
  }

  async archiveParkedManifest(
    plan: NodePlan,
    parkedDir: string,
    archive: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { files } = this.#parts;
    const { parked } = manifestPaths(plan, 'etcd', parkedDir);
    const text = await files.readIfThere(parked, signal);
    if (text === undefined) return;
    await files.write(archive, text, MANIFEST_MODE, signal);
    await files.remove(parked, signal);
  }

  async manifestsInPlace(plan: NodePlan, signal: AbortSignal): Promise<readonly Component[]> {
    const names = await this.#parts.files.list(plan.staticPodPath, signal);
    return plan.manifests
      .filter(({ component, fileName }) => component !== '' && names.includes(fileName))
      .map(({ component }) => component as Component);
  }

  stopComponents(_plan: NodePlan, components: readonly Component[], signal: AbortSignal): Promise<void> {
    return this.#parts.stopper.stop(components, signal);
  }

  async proveStopped(
    plan: NodePlan,
    operationId: string,
    components: readonly Component[],
    signal: AbortSignal,
  ): Promise<void> {
    const { kubelet, runtime, stopper, processes, files } = this.#parts;
    const { etcd } = plan;
    const stores =
      etcd !== undefined && components.includes('etcd') ? storeFiles(files, etcd, operationId) : [];
    const [kubeletSeen, pods, openFiles] = await Promise.all([
      kubelet.observe(operationId, signal),
      runtime.staticPods(components, signal),
      stores.length === 0 ? [] : processes.openFiles(stores, signal),
    ]);
    const disagrees = contradiction({
      kubelet: kubeletSeen,
      pods,
      openFiles,
      survivors: stopper.survivors(components),
      addresses: this.#addresses(plan, components),
      // Last, so that what died while the rest was looked at is seen dead.
      sockets: processes.sockets(),
      storeFiles: stores,
      locks: stores.length === 0 ? [] : processes.locks(),
      ownPid: process.pid,
    });
    if (disagrees === undefined) return;
    throw new LockstepError('STOP_UNPROVEN', {
      node: plan.node,
      message: `It is not proven that ${components.join(', ')} stopped on ${plan.node}: ${disagrees}.`,
    });
  }

  waitApiReady(_plan: NodePlan, signal: AbortSignal): Promise<void> {
    return this.#parts.readiness.waitForApi(signal);
  }

  etcdServes(signal: AbortSignal): Promise<boolean> {
    return this.#parts.readiness.doesEtcdServe(signal);
  }

  waitServingPeers(member: EtcdMemberPlan, signal: AbortSignal): Promise<void> {
    const [url = ''] = member.listenPeerUrls;
    return this.#parts.readiness.waitForPeers(reachable(url), signal);
  }

  async checkEncryption(uses: readonly EncryptionUse[], signal: AbortSignal): Promise<EncryptionVerdict[]> {
    const settings = this.#parts.settings.requireApiServer();
    const path = settings.encryptionConfigFile;
    const yaml = path === undefined ? undefined : await this.#parts.files.read(path, signal);
    return checkEncryption(yaml?.toString('utf8'), settings.etcdPrefix, uses);
  }

  undoText(plan: NodePlan, paths: UndoPaths): string {
    const { runtimeSocket, holdFile, kubelet } = this.#parts;
    return undoText(plan, paths, { runtimeSocket, holdFile, dropIn: kubelet.dropInPath });
  }

  /**
   * Scheduler and controller-manager are left out: they listen on loopback for their own probes
   * alone, and write nothing but through an API server.
   */
  #addresses(plan: NodePlan, components: readonly Component[]): SocketAddress[] {
    const addresses: SocketAddress[] = [];
    if (components.includes('etcd') && plan.etcd !== undefined) {
      const urls = [...plan.etcd.listenClientUrls, ...plan.etcd.listenPeerUrls];
      addresses.push(...urls.flatMap((url) => addressOfUrl(url) ?? []));
    }
    if (components.includes('kube-apiserver')) {
      const { bindAddress, advertiseAddress, securePort } = this.#parts.settings.requireApiServer();
      addresses.push(apiServerAddress(bindAddress, advertiseAddress, securePort));
    }
    return addresses;
  }

  /** `copied`: parked, and somebody put a copy of it back. Two that differ are for a person to choose from. */
  async #placeOf(
    live: string,
    parked: string,
    component: Component,
    signal: AbortSignal,
  ): Promise<'live' | 'parked' | 'copied'> {
    const { files } = this.#parts;
    const [isLive, isParked] = await Promise.all([files.exists(live, signal), files.exists(parked, signal)]);
    if (isLive && isParked) {
      if (await files.areCopies(live, parked, signal)) return 'copied';
      throw new LockstepError('MANIFEST_CONFLICT', {
        message: `${component}: '${live}' and '${parked}' are both there, and differ.`,
      });
    }
    if (isLive) return 'live';
    if (isParked) return 'parked';
    throw new LockstepError('MANIFEST_MISSING', {
      message: `${component}: neither '${live}' nor '${dirname(parked)}' has its manifest.`,
    });
  }
}

function manifestPaths(
  plan: NodePlan,
  component: Component,
  parkedDir: string,
): { live: string; parked: string } {
  const fileName = plannedFileName(plan.manifests, component);
  // A plan comes from outside: a name in it must stay a name.
  if (posix.basename(fileName) !== fileName || fileName.startsWith('.')) {
    throw new LockstepError('PATH_NOT_ALLOWED', { message: `'${fileName}' is no name of a manifest.` });
  }
  return { live: posix.join(plan.staticPodPath, fileName), parked: posix.join(parkedDir, fileName) };
}

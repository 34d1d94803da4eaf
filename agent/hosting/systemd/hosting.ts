import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { EncryptionVerdict } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { EtcdMemberPlan, NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { EncryptionUse } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';

import type { HostFiles } from '../../adapters/host-files.ts';
import type { ProcessTable } from '../../adapters/process-table.ts';
import { isStopped, type UnitHold } from '../../adapters/systemd.ts';
import type { Component, Hosting, Joining, KubeletState, Provenance, UndoPaths } from '../../ports.ts';
import { addressOfUrl, contradiction } from '../proof-of-stop.ts';
import { storeFiles } from '../store-files.ts';
import { undoText } from '../undo-text.ts';
import { groupMembers, tasksLeft } from './proof-of-unit.ts';

export interface SystemdParts {
  /** What kubelet runs here beside etcd, if anything. */
  readonly kubelet: Hosting;
  /** Whether kubelet runs a part of the control plane, in place or parked. */
  readonly hasKubelet: () => boolean;
  readonly unit: UnitHold;
  readonly files: HostFiles;
  readonly processes: ProcessTable;
  readonly kubeletHold: { readonly holdFile: string; readonly dropIn: string };
  readonly runtimeSocket: string;
}

/**
 * etcd as a unit of the service manager; whatever else of the control plane is here is kubelet's.
 *
 * What a manifest is to a static pod, the hold is to a unit: held, nothing starts etcd, and it is
 * "out"; lifted and on its way, it is "in place". A unit starts nothing but itself, so that without
 * a kubelet the hold stands for kubelet's as well.
 */
export class SystemdHosting implements Hosting, Joining {
  readonly kind = 'systemd';
  readonly #parts: SystemdParts;

  constructor(parts: SystemdParts) {
    this.#parts = parts;
  }

  inspect(signal: AbortSignal): Promise<NodeReport> {
    return this.#parts.kubelet.inspect(signal);
  }

  provenance(signal: AbortSignal): Promise<Provenance> {
    return this.#parts.kubelet.provenance(signal);
  }

  async prepareHold(signal: AbortSignal): Promise<void> {
    const { kubelet, hasKubelet, unit } = this.#parts;
    await unit.prepare(signal);
    if (hasKubelet()) await kubelet.prepareHold(signal);
  }

  /** etcd itself goes on: it is stopped once no API server runs on any node. */
  async holdKubelet(operationId: string, signal: AbortSignal): Promise<void> {
    const { kubelet, hasKubelet, unit } = this.#parts;
    await unit.mark(operationId, signal);
    if (hasKubelet()) await kubelet.holdKubelet(operationId, signal);
  }

  async releaseKubelet(operationId: string, signal: AbortSignal): Promise<void> {
    const { kubelet, hasKubelet, unit } = this.#parts;
    if (hasKubelet()) return kubelet.releaseKubelet(operationId, signal);
    return unit.startSoon(signal);
  }

  async kubeletState(operationId: string, signal: AbortSignal): Promise<KubeletState> {
    const { kubelet, hasKubelet, unit } = this.#parts;
    const { held, marked } = await unit.observe(operationId, signal);
    if (!hasKubelet()) return { held, marked, active: !held };
    const kubeletSeen = await kubelet.kubeletState(operationId, signal);
    return { ...kubeletSeen, held: held && kubeletSeen.held };
  }

  async parkManifests(
    plan: NodePlan,
    components: readonly Component[],
    parkedDir: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { kubelet, unit, files } = this.#parts;
    if (components.includes('etcd')) {
      // The hold is etcd's way out; whose it is was decided when it was made.
      if (!(await files.exists(unit.holdFile, signal))) {
        throw new LockstepError('UNIT_HOLD_FAILED', {
          node: plan.node,
          message: `${unit.unit} is not held: '${unit.holdFile}' is not there.`,
        });
      }
      await unit.prepare(signal);
    }
    const others = components.filter((component) => component !== 'etcd');
    if (others.length > 0) await kubelet.parkManifests(plan, others, parkedDir, signal);
  }

  async returnManifest(
    plan: NodePlan,
    component: Component,
    parkedDir: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { kubelet, unit } = this.#parts;
    if (component !== 'etcd') return kubelet.returnManifest(plan, component, parkedDir, signal);
    return unit.startSoon(signal);
  }

  async manifestsInPlace(plan: NodePlan, signal: AbortSignal): Promise<readonly Component[]> {
    const { kubelet, hasKubelet, unit, files } = this.#parts;
    const [marked, state, others] = await Promise.all([
      files.exists(unit.holdFile, signal),
      unit.state(signal),
      hasKubelet() ? kubelet.manifestsInPlace(plan, signal) : [],
    ]);
    return [...(marked || isStopped(state) ? [] : (['etcd'] as const)), ...others];
  }

  async stopComponents(plan: NodePlan, components: readonly Component[], signal: AbortSignal): Promise<void> {
    const { kubelet, unit } = this.#parts;
    const others = components.filter((component) => component !== 'etcd');
    await Promise.all([
      components.includes('etcd') ? unit.kill(signal) : undefined,
      others.length > 0 ? kubelet.stopComponents(plan, others, signal) : undefined,
    ]);
  }

  async proveStopped(
    plan: NodePlan,
    operationId: string,
    components: readonly Component[],
    signal: AbortSignal,
  ): Promise<void> {
    const others = components.filter((component) => component !== 'etcd');
    if (others.length > 0) await this.#parts.kubelet.proveStopped(plan, operationId, others, signal);
    if (components.includes('etcd')) await this.#proveUnitStopped(plan, operationId, signal);
  }

  waitApiReady(plan: NodePlan, signal: AbortSignal): Promise<void> {
    return this.#parts.kubelet.waitApiReady(plan, signal);
  }

  etcdServes(signal: AbortSignal): Promise<boolean> {
    return this.#parts.kubelet.etcdServes(signal);
  }

  waitServingPeers(member: EtcdMemberPlan, signal: AbortSignal): Promise<void> {
    return this.#parts.kubelet.waitServingPeers(member, signal);
  }

  checkEncryption(uses: readonly EncryptionUse[], signal: AbortSignal): Promise<EncryptionVerdict[]> {
    return this.#parts.kubelet.checkEncryption(uses, signal);
  }

  undoText(plan: NodePlan, paths: UndoPaths): string {
    const { kubeletHold, runtimeSocket, unit } = this.#parts;
    const etcdUnit = { holdFile: unit.holdFile, dropIn: unit.dropInPath };
    return undoText(plan, paths, { ...kubeletHold, runtimeSocket, etcdUnit });
  }

  placeJoiningManifest(plan: NodePlan): Promise<void> {
    return Promise.reject(noJoining(plan));
  }

  removeJoiningManifest(plan: NodePlan): Promise<void> {
    return Promise.reject(noJoining(plan));
  }

  archiveParkedManifest(plan: NodePlan): Promise<void> {
    return Promise.reject(noJoining(plan));
  }

  /** All must agree: held, inactive, nobody in the unit's control group, nobody at the store, no listener. */
  async #proveUnitStopped(plan: NodePlan, operationId: string, signal: AbortSignal): Promise<void> {
    const { unit, processes, files } = this.#parts;
    const { etcd } = plan;
    if (etcd === undefined) return;
    const stores = storeFiles(files, etcd, operationId);
    const [seen, shown, openFiles] = await Promise.all([
      unit.observe(operationId, signal),
      unit.properties(['TasksCurrent', 'ControlGroup'], signal),
      processes.openFiles(stores, signal),
    ]);
    const [inGroup] = groupMembers(shown.get('ControlGroup') ?? '');
    const disagrees =
      tasksLeft(shown) ??
      (inGroup === undefined ? undefined : `process ${inGroup} is in the control group of ${unit.unit}`) ??
      contradiction({
        kubelet: { held: seen.held, state: seen.state, name: unit.unit },
        pods: [],
        survivors: [],
        openFiles,
        addresses: [...etcd.listenClientUrls, ...etcd.listenPeerUrls].flatMap(
          (url) => addressOfUrl(url) ?? [],
        ),
        // Last, so that what died while the rest was looked at is seen dead.
        sockets: processes.sockets(),
        storeFiles: stores,
        locks: processes.locks(),
        ownPid: process.pid,
      });
    if (disagrees === undefined) return;
    throw new LockstepError('STOP_UNPROVEN', {
      node: plan.node,
      message: `It is not proven that ${unit.unit} stopped on ${plan.node}: ${disagrees}.`,
    });
  }
}

function noJoining({ node }: NodePlan): LockstepError {
  return new LockstepError('HOSTING_UNSUPPORTED', {
    node,
    message: `${node} runs etcd as a unit, and a member that is a unit is not re-joined by Lockstep.`,
  });
}

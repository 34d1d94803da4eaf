import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

import { type ApiServerSettings, readApiServerSettings } from './api-server-settings.ts';
import { type EtcdSettings, readEtcdSettings } from './etcd-settings.ts';
import { lastValue, parseFlags } from './flags.ts';
import { hostPathOf } from './static-pod/manifest.ts';
import type { ManifestDirectory } from './static-pod/manifest-directory.ts';

export interface EtcdUnitSettings {
  /** Undefined where there is no such unit. */
  settings(): EtcdSettings | undefined;
}

/**
 * What the manifests say now: a manifest is read each time it is asked for, from kubelet's
 * directory or from where a restore has parked it.
 */
export class NodeSettings {
  readonly #manifests: ManifestDirectory;
  readonly #etcdUnit: EtcdUnitSettings | undefined;

  /** `etcdUnit`: where etcd is a unit, and no static pod. */
  constructor(manifests: ManifestDirectory, etcdUnit?: EtcdUnitSettings) {
    this.#manifests = manifests;
    this.#etcdUnit = etcdUnit;
  }

  etcd(): EtcdSettings | undefined {
    if (this.#etcdUnit !== undefined) return this.#etcdUnit.settings();
    const container = this.#manifests.container('etcd');
    return container === undefined ? undefined : readEtcdSettings(container);
  }

  apiServer(): ApiServerSettings | undefined {
    const container = this.#manifests.container('kube-apiserver');
    return container === undefined ? undefined : readApiServerSettings(container);
  }

  requireEtcd(): EtcdSettings {
    return required(this.etcd(), 'etcd');
  }

  requireApiServer(): ApiServerSettings {
    return required(this.apiServer(), 'kube-apiserver');
  }

  /** The CA that pods are given to trust the API server by; the API server's own where nobody says. */
  clusterCaFile(): string | undefined {
    const container = this.#manifests.container('kube-controller-manager');
    const rootCa =
      container === undefined ? undefined : lastValue(parseFlags(container.words), 'root-ca-file');
    if (container !== undefined && rootCa !== undefined) return hostPathOf(container, rootCa) ?? rootCa;
    return this.apiServer()?.clientCaFile;
  }
}

function required<T>(settings: T | undefined, component: string): T {
  if (settings !== undefined) return settings;
  throw new LockstepError('MANIFEST_MISSING', {
    message: `Nothing on this node says how ${component} is run: no manifest, in place or parked, and no unit.`,
  });
}

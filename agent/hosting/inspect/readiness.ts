import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

import type { HostFiles } from '../../adapters/host-files.ts';
import type { NodeSettings } from '../node-settings.ts';
import { apiServerAddress } from '../proof-of-stop.ts';
import { type AskingAs, get, waitForOk } from './ready.ts';

/** Whether this node's API server and member serve, asked as their own peers would ask. */
export class Readiness {
  readonly #settings: NodeSettings;
  readonly #files: HostFiles;

  constructor(settings: NodeSettings, files: HostFiles) {
    this.#settings = settings;
    this.#files = files;
  }

  async waitForApi(signal: AbortSignal): Promise<void> {
    const as = await this.#askApi(signal);
    await waitForOk(this.#readyz(), as, 'API_NOT_READY', signal);
  }

  /** Once; false where it does not answer. */
  async isApiReady(signal: AbortSignal): Promise<boolean> {
    try {
      return (await get(this.#readyz(), await this.#askApi(signal), signal)).status === 200;
    } catch {
      return false;
    }
  }

  /**
   * Whether the etcd that the API server is told of serves, as the API server would ask it. Its
   * /health is a read through the quorum, so that one that answers well answers for all.
   */
  async doesEtcdServe(signal: AbortSignal): Promise<boolean> {
    try {
      const api = this.#settings.requireApiServer();
      const [ca, cert, key] = await Promise.all([
        this.#read(api.etcdCaFile, signal),
        this.#read(api.etcdCertFile, signal),
        this.#read(api.etcdKeyFile, signal),
      ]);
      const as =
        ca === undefined
          ? undefined
          : { ca, ...(cert === undefined || key === undefined ? {} : { cert, key }) };
      const asked = api.etcdServers.map(
        async (url) => (await get(`${url}/health`, as, signal)).status === 200,
      );
      return (await Promise.allSettled(asked)).some((one) => one.status === 'fulfilled' && one.value);
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }

  /** etcd serves its peers only once it has started for good, a corruption check behind it. */
  async waitForPeers(peerUrl: string, signal: AbortSignal): Promise<void> {
    const etcd = this.#settings.requireEtcd();
    const ca = await this.#read(etcd.peerTrustedCaFile, signal);
    const [cert, key] = await Promise.all([
      this.#read(etcd.peerCertFile, signal),
      this.#read(etcd.peerKeyFile, signal),
    ]);
    const as =
      ca === undefined
        ? undefined
        : { ca, ...(cert === undefined || key === undefined ? {} : { cert, key }) };
    await waitForOk(`${peerUrl}/version`, as, 'ETCD_UNREACHABLE', signal);
  }

  #readyz(): string {
    const api = this.#settings.requireApiServer();
    const { address, port } = apiServerAddress(api.bindAddress, api.advertiseAddress, api.securePort);
    return `https://${address.includes(':') ? `[${address}]` : address}:${port}/readyz`;
  }

  /** With kubeadm's certificate for kubelet's API, should the API server answer no stranger. */
  async #askApi(signal: AbortSignal): Promise<AskingAs> {
    const api = this.#settings.requireApiServer();
    const ca = await this.#read(this.#settings.clusterCaFile() ?? api.clientCaFile, signal);
    if (ca === undefined) {
      throw new LockstepError('API_NOT_READY', {
        message: 'The CA of the cluster, which the manifests name, is not there.',
      });
    }
    const [cert, key] = await Promise.all([
      this.#read(api.kubeletClientCertFile, signal),
      this.#read(api.kubeletClientKeyFile, signal),
    ]);
    return { ca, ...(cert === undefined || key === undefined ? {} : { cert, key }) };
  }

  async #read(path: string | undefined, signal: AbortSignal): Promise<Buffer | undefined> {
    return path === undefined ? undefined : this.#files.readIfThere(path, signal);
  }
}

import { dirname, join } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { EtcdEndpoint } from '@lockstep/shared/etcd/channel.ts';

import type { HostFiles } from '../adapters/host-files.ts';
import type { MemberEndpoint } from '../adapters/local-member.ts';
import { clientUrlOf, type EtcdSettings } from './etcd-settings.ts';
import type { NodeSettings } from './node-settings.ts';

interface ClientPair {
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** etcd's client listener, with the certificates that the node's manifests name. */
export class ManifestEndpoint implements MemberEndpoint {
  readonly #settings: NodeSettings;
  readonly #files: HostFiles;

  constructor(settings: NodeSettings, files: HostFiles) {
    this.#settings = settings;
    this.#files = files;
  }

  async endpoint(signal: AbortSignal): Promise<EtcdEndpoint> {
    const etcd = this.#settings.requireEtcd();
    const url = clientUrlOf(etcd);
    if (url.startsWith('http:')) return { url };
    const ca = await this.#read(this.#settings.apiServer()?.etcdCaFile ?? etcd.trustedCaFile, signal);
    if (ca === undefined) throw noCertificates(url, 'the CA');
    for (const pair of this.#candidates(etcd)) {
      const [cert, key] = await Promise.all([this.#read(pair.cert, signal), this.#read(pair.key, signal)]);
      if (cert !== undefined && key !== undefined) return { url, tls: { ca, cert, key } };
    }
    throw noCertificates(url, 'a client certificate');
  }

  /**
   * kubeadm's certificate for asking after etcd's health, then the API server's, and last etcd's
   * own: kubeadm lets it be shown by a client as well.
   */
  #candidates(etcd: EtcdSettings): ClientPair[] {
    const api = this.#settings.apiServer();
    const beside = (name: string): string | undefined =>
      etcd.certFile === undefined ? undefined : join(dirname(etcd.certFile), name);
    return [
      { cert: beside('healthcheck-client.crt'), key: beside('healthcheck-client.key') },
      { cert: api?.etcdCertFile, key: api?.etcdKeyFile },
      { cert: etcd.certFile, key: etcd.keyFile },
    ];
  }

  async #read(path: string | undefined, signal: AbortSignal): Promise<Buffer | undefined> {
    return path === undefined ? undefined : this.#files.readIfThere(path, signal);
  }
}

function noCertificates(url: string, what: string): LockstepError {
  return new LockstepError('ETCD_UNREACHABLE', {
    message: `${url} wants certificates, and ${what} that the manifests name is not there.`,
  });
}

import { allValues, lastValue, listValue, parseFlags } from './flags.ts';
import { hostPathOf, imageTag, type ManifestContainer } from './static-pod/manifest.ts';

/** What the kube-apiserver container is told, with its own defaults. Paths are host paths. */
export interface ApiServerSettings {
  readonly etcdServers: readonly string[];
  /** `group/resource#server;server` as given. */
  readonly etcdServersOverrides: readonly string[];
  readonly etcdPrefix: string;
  readonly advertiseAddress: string;
  readonly bindAddress: string;
  readonly securePort: number;
  /** "v1.34.1", from the image's tag; empty where it has none. */
  readonly version: string;
  readonly clientCaFile: string | undefined;
  readonly etcdCaFile: string | undefined;
  readonly etcdCertFile: string | undefined;
  readonly etcdKeyFile: string | undefined;
  readonly kubeletClientCertFile: string | undefined;
  readonly kubeletClientKeyFile: string | undefined;
  readonly serviceAccountKeyFiles: readonly string[];
  readonly encryptionConfigFile: string | undefined;
}

const DEFAULT_SECURE_PORT = 6443;

export function readApiServerSettings(container: ManifestContainer): ApiServerSettings {
  const flags = parseFlags(container.words);
  const map = (path: string): string => hostPathOf(container, path) ?? path;
  const path = (name: string): string | undefined => {
    const value = lastValue(flags, name);
    return value === undefined || value === '' ? undefined : map(value);
  };
  const signingKey = path('service-account-signing-key-file');
  const publicKeys = (flags.get('service-account-key-file') ?? []).map(map);
  return {
    etcdServers: listValue(flags, 'etcd-servers'),
    etcdServersOverrides: allValues(flags, 'etcd-servers-overrides'),
    etcdPrefix: lastValue(flags, 'etcd-prefix') ?? '/registry',
    advertiseAddress: lastValue(flags, 'advertise-address') ?? '',
    bindAddress: lastValue(flags, 'bind-address') ?? '0.0.0.0',
    securePort: Number(lastValue(flags, 'secure-port') ?? DEFAULT_SECURE_PORT),
    version: imageTag(container.image),
    clientCaFile: path('client-ca-file'),
    etcdCaFile: path('etcd-cafile'),
    etcdCertFile: path('etcd-certfile'),
    etcdKeyFile: path('etcd-keyfile'),
    kubeletClientCertFile: path('kubelet-client-certificate'),
    kubeletClientKeyFile: path('kubelet-client-key'),
    // Without public keys of its own an API server trusts what its signing key signed.
    serviceAccountKeyFiles: publicKeys.length > 0 || signingKey === undefined ? publicKeys : [signingKey],
    encryptionConfigFile: path('encryption-provider-config'),
  };
}

import { parseFlags } from '../../hosting/flags.ts';
import { hostPathOf, type ManifestContainer, parseManifest } from '../../hosting/static-pod/manifest.ts';
import type { Collecting, Collector } from '../collector.ts';
import { accountOfEncryption, accountOfKubeconfig, accountOfPem } from '../credentials.ts';
import { takeTree } from '../take.ts';
import { accounts } from './kubelet.ts';

const MAX_MANIFEST_BYTES = 1024 * 1024;

/** Files that hold no keys. */
const PLAIN_FILES = [
  'audit-policy-file',
  'admission-control-config-file',
  'authentication-config',
  'authorization-config',
  'egress-selector-config-file',
  'tracing-config-file',
] as const;

/** Whom it asks, with what: kubeconfigs. */
const KUBECONFIGS = [
  'audit-webhook-config-file',
  'authentication-token-webhook-config-file',
  'authorization-webhook-config-file',
] as const;

const PEM_FILES = [
  'client-ca-file',
  'tls-cert-file',
  'tls-private-key-file',
  'etcd-cafile',
  'etcd-certfile',
  'etcd-keyfile',
  'kubelet-certificate-authority',
  'kubelet-client-certificate',
  'kubelet-client-key',
  'proxy-client-cert-file',
  'proxy-client-key-file',
  'requestheader-client-ca-file',
  'service-account-key-file',
  'service-account-signing-key-file',
] as const;

/** What the API server is told: its flags, the policies they name, and which keys it goes by. */
export const apiServer: Collector = {
  name: 'api-server',
  about: 'API server flags, audit policy, admission and encryption configuration (no key material)',
  when: 'always',
  async *collect(collecting) {
    const container = await apiServerContainer(collecting);
    if (container === undefined) return;
    const { sources, budget, signal } = collecting;
    const flags = parseFlags(container.words);
    const fileOf = (flag: string): string[] =>
      (flags.get(flag) ?? []).filter(Boolean).map((path) => hostPathOf(container, path) ?? path);
    const files = Object.fromEntries(
      [...PLAIN_FILES, ...KUBECONFIGS, ...PEM_FILES, 'encryption-provider-config', 'audit-log-path']
        .map((flag) => [flag, fileOf(flag)] as const)
        .filter(([, paths]) => paths.length > 0),
    );
    for (const path of new Set(PLAIN_FILES.flatMap(fileOf))) {
      yield* takeTree({ tree: sources.tree, budget, signal }, path);
    }
    const told: Record<string, unknown> = {};
    for (const [subject, wanted, account] of [
      ['kubeconfigs', KUBECONFIGS, accountOfKubeconfig],
      ['certificatesAndKeys', PEM_FILES, accountOfPem],
      ['encryption', ['encryption-provider-config'], accountOfEncryption],
    ] as const) {
      const lists: object[] = [];
      for (const path of new Set(wanted.flatMap(fileOf))) {
        const found = await accounts(collecting, path, account);
        lists.push(...found.told);
        yield* found.untaken;
      }
      told[subject] = lists;
    }
    yield {
      is: 'account',
      name: 'api-server.json',
      content: { image: container.image, flags: Object.fromEntries(flags), files, ...told },
    };
  },
};

/** Where the API server writes its audit log, on the host; none where it writes none, or to its output. */
export async function auditLogPaths(collecting: Collecting): Promise<string[]> {
  const container = await apiServerContainer(collecting);
  if (container === undefined) return [];
  return (parseFlags(container.words).get('audit-log-path') ?? [])
    .filter((path) => path !== '' && path !== '-')
    .map((path) => hostPathOf(container, path) ?? path);
}

async function apiServerContainer({ sources }: Collecting): Promise<ManifestContainer | undefined> {
  const { tree, staticPodPath } = sources;
  await using directory = await tree.look(staticPodPath);
  if (directory?.kind !== 'directory') return undefined;
  for (const name of await tree.names(directory)) {
    if (name.startsWith('.')) continue;
    const text = await tree.readSmall(`${staticPodPath}/${name}`, MAX_MANIFEST_BYTES);
    const manifest = text === undefined ? undefined : parseManifest(text.toString('utf8'));
    if (manifest?.component === 'kube-apiserver') return manifest.main;
  }
  return undefined;
}

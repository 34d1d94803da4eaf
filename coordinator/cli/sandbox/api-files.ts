import { createPublicKey } from 'node:crypto';
import { MASTERS, makeCertificates, type SandboxCertificates } from './certificates.ts';
import type { SandboxDirectory } from './directory.ts';

/** Who kubectl is to the sandbox. */
const READER = { user: 'sandbox-reader', group: '' } as const;
const WRITER = { user: 'sandbox-writer', group: MASTERS } as const;

/** Where no proxy listens: what an API server would call out for ends there. */
const NOWHERE = 'nowhere.sock';

/** Paths of what an API server and its client are given, each readable by its owner alone. */
export interface ApiFiles {
  readonly ca: string;
  readonly serverCertificate: string;
  readonly serverKey: string;
  readonly serviceAccountKey: string;
  /** Of an EC key in PKCS #8 an API server reads no public key. */
  readonly serviceAccountPublicKey: string;
  readonly egress: string;
  /** ABAC; of a sandbox that takes no writes. */
  readonly policy: string | undefined;
  readonly encryption: string | undefined;
}

export interface ApiMaterial {
  readonly files: ApiFiles;
  readonly certificates: SandboxCertificates;
}

/** `encryption`: an EncryptionConfiguration's text. */
export async function writeApiFiles(
  directory: SandboxDirectory,
  options: { readonly writable: boolean; readonly encryption: string | undefined },
  nowMs: number,
): Promise<ApiMaterial> {
  const certificates = await makeCertificates(options.writable ? WRITER : READER, nowMs);
  const { encryption } = options;
  const files = {
    ca: await directory.write('ca.crt', certificates.ca),
    serverCertificate: await directory.write('server.crt', certificates.server.certificate),
    serverKey: await directory.write('server.key', certificates.server.key),
    serviceAccountKey: await directory.write('service-account.key', certificates.serviceAccountKey),
    serviceAccountPublicKey: await directory.write(
      'service-account.pub',
      createPublicKey(certificates.serviceAccountKey).export({ type: 'spki', format: 'pem' }).toString(),
    ),
    egress: await directory.write('egress.json', EGRESS),
    policy: options.writable ? undefined : await directory.write('policy.jsonl', READ_ONLY_POLICY),
    encryption: encryption === undefined ? undefined : await directory.write('encryption.json', encryption),
  };
  return { files, certificates };
}

/** For kubectl; holds the client's key. */
export function kubeconfig({ ca, client }: SandboxCertificates, url: string): string {
  const name = 'sandbox';
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return `${JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server: url, 'certificate-authority-data': base64(ca) } }],
      users: [
        {
          name,
          user: {
            'client-certificate-data': base64(client.certificate),
            'client-key-data': base64(client.key),
          },
        },
      ],
      contexts: [{ name, context: { cluster: name, user: name } }],
      'current-context': name,
    },
    null,
    2,
  )}\n`;
}

/**
 * Kubelets, pods and services (logs, exec, proxies), webhooks and aggregated APIs: all of them are
 * reached through a proxy, and there is none. The store itself is not: etcd is not in the list.
 */
const EGRESS = `${JSON.stringify({
  apiVersion: 'apiserver.k8s.io/v1beta1',
  kind: 'EgressSelectorConfiguration',
  egressSelections: ['cluster', 'controlplane'].map((name) => ({
    name,
    connection: { proxyProtocol: 'HTTPConnect', transport: { uds: { udsName: NOWHERE } } },
  })),
})}\n`;

/**
 * The store's own roles do not count here: an intruder may have given everybody everything. What
 * reviews answer is stored nowhere.
 */
const READ_ONLY_POLICY = [
  { resource: '*', apiGroup: '*', readonly: true },
  { nonResourcePath: '*', readonly: true },
  { resource: 'selfsubjectaccessreviews', apiGroup: 'authorization.k8s.io' },
  { resource: 'selfsubjectrulesreviews', apiGroup: 'authorization.k8s.io' },
  { resource: 'selfsubjectreviews', apiGroup: 'authentication.k8s.io' },
]
  .map((rule) => {
    const spec = { user: READER.user, namespace: '*', ...rule };
    return `${JSON.stringify({ apiVersion: 'abac.authorization.kubernetes.io/v1beta1', kind: 'Policy', spec })}\n`;
  })
  .join('');

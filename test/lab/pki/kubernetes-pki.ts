import { generateKeyPairSync } from 'node:crypto';
import { type Authority, createAuthority, issue, type KeyPair } from './certificates.ts';

/** What all control-plane nodes share, as kubeadm makes it once and copies it. */
export interface ClusterPki {
  readonly ca: Authority;
  readonly etcdCa: Authority;
  readonly frontProxyCa: Authority;
  /** PEM. */
  readonly serviceAccount: { readonly publicKey: string; readonly privateKey: string };
}

export interface PkiNode {
  readonly name: string;
  readonly address: string;
}

/** Path below /etc/kubernetes/pki, without suffix, to the pair. */
export type NodePairs = Readonly<Record<string, KeyPair>>;

/** Users of kubeconfigs by the file's name. */
export type Users = Readonly<Record<'admin' | 'kubelet' | 'scheduler' | 'controller-manager', KeyPair>>;

const SERVICE_ACCOUNT_KEY_BITS = 2048;
/** First address of kubeadm's default service range. */
const KUBERNETES_SERVICE_ADDRESS = '10.96.0.1';

export async function createClusterPki(): Promise<ClusterPki> {
  const [ca, etcdCa, frontProxyCa] = await Promise.all([
    createAuthority('kubernetes'),
    createAuthority('etcd-ca'),
    createAuthority('front-proxy-ca'),
  ]);
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: SERVICE_ACCOUNT_KEY_BITS,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  return { ca, etcdCa, frontProxyCa, serviceAccount: { publicKey, privateKey } };
}

/** The certificates of one node: names, organisations, usages and hosts as kubeadm's. */
export async function issueNodePairs(pki: ClusterPki, node: PkiNode): Promise<NodePairs> {
  const local = ['localhost', '127.0.0.1', '::1'];
  const etcdHosts = [node.name, node.address, ...local];
  const both = ['server', 'client'] as const;
  const client = ['client'] as const;
  const requests = {
    apiserver: issue(pki.ca, {
      commonName: 'kube-apiserver',
      usages: ['server'],
      hosts: [
        node.name,
        'kubernetes',
        'kubernetes.default',
        'kubernetes.default.svc',
        'kubernetes.default.svc.cluster.local',
        'localhost',
        KUBERNETES_SERVICE_ADDRESS,
        node.address,
      ],
    }),
    'apiserver-kubelet-client': issue(pki.ca, {
      commonName: 'kube-apiserver-kubelet-client',
      organization: 'kubeadm:cluster-admins',
      usages: client,
    }),
    'front-proxy-client': issue(pki.frontProxyCa, { commonName: 'front-proxy-client', usages: client }),
    'apiserver-etcd-client': issue(pki.etcdCa, { commonName: 'kube-apiserver-etcd-client', usages: client }),
    'etcd/server': issue(pki.etcdCa, { commonName: node.name, usages: both, hosts: etcdHosts }),
    'etcd/peer': issue(pki.etcdCa, { commonName: node.name, usages: both, hosts: etcdHosts }),
    'etcd/healthcheck-client': issue(pki.etcdCa, {
      commonName: 'kube-etcd-healthcheck-client',
      usages: client,
    }),
  };
  const pairs: Record<string, KeyPair> = {
    ca: pki.ca,
    'front-proxy-ca': pki.frontProxyCa,
    'etcd/ca': pki.etcdCa,
  };
  for (const [path, pair] of Object.entries(requests)) pairs[path] = await pair;
  return pairs;
}

export async function issueUsers(pki: ClusterPki, node: PkiNode): Promise<Users> {
  const user = (commonName: string, organization?: string): Promise<KeyPair> =>
    issue(pki.ca, {
      commonName,
      usages: ['client'],
      ...(organization === undefined ? {} : { organization }),
    });
  return {
    admin: await user('kubernetes-admin', 'kubeadm:cluster-admins'),
    kubelet: await user(`system:node:${node.name}`, 'system:nodes'),
    scheduler: await user('system:kube-scheduler'),
    'controller-manager': await user('system:kube-controller-manager'),
  };
}

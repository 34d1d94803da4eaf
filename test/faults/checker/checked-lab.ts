/**
 * What the checker is given of a lab, and all it ever uses of one: directories, addresses and etcd's
 * own programs. It imports nothing of the product nor of the lab (test/unit/architecture.test.ts).
 */
export interface CheckedNode {
  readonly name: string;
  readonly address: string;
  /** The real path of a path on the node. */
  path(hostPath: string): string;
}

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CheckedLab {
  readonly nodes: readonly CheckedNode[];
  readonly etcdTools: { readonly etcd: string; readonly etcdctl: string; readonly etcdutl: string };
  /** etcdctl against one node's member, with a client's certificate. */
  etcdctl(node: string, args: readonly string[]): Promise<Ran>;
}

/** Where kubeadm and Lockstep put things: docs/architecture.md, "On a node". */
export const hostPaths = {
  dataDir: '/var/lib/etcd',
  manifests: '/etc/kubernetes/manifests',
  parked: '/etc/kubernetes/lockstep',
  staging: '/var/lib/.lockstep',
  ledger: '/var/lib/lockstep/ledger.db',
  snapshots: '/var/lib/lockstep/snapshots',
  hold: '/var/lib/lockstep/kubelet.hold',
  clusterCa: '/etc/kubernetes/pki/ca.crt',
} as const;

export const MANIFESTS = [
  'etcd.yaml',
  'kube-apiserver.yaml',
  'kube-controller-manager.yaml',
  'kube-scheduler.yaml',
] as const;

/** Where OLD lies after the swap, and NEW before it. */
export function otherStore(node: CheckedNode, operationId: string): string {
  return node.path(`${hostPaths.staging}/${operationId}/store`);
}

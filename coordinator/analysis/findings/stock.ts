import type { Condition } from './condition.ts';
import type { Exception } from './declared-rule.ts';

/*
 * What a cluster has as kubeadm made it, before anyone has used it. A name alone excuses nothing
 * that an intruder could do under the same name, so a condition stands beside it wherever one can.
 */

export const SYSTEM_NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease'] as const;

/** Everything that runs pods. */
export const WORKLOADS = [
  'pods',
  'deployments.apps',
  'daemonsets.apps',
  'statefulsets.apps',
  'replicasets.apps',
  'jobs.batch',
  'cronjobs.batch',
  'replicationcontrollers',
] as const;

/** kubelet's picture of a manifest on its node: what it may do was decided there. */
export const IS_MIRROR_POD: Condition = {
  path: 'metadata.annotations["kubernetes.io/config.mirror"]',
  exists: true,
};

export const CONTROL_PLANE: Exception = {
  namespaces: ['kube-system'],
  names: ['etcd-*', 'kube-apiserver-*', 'kube-controller-manager-*', 'kube-scheduler-*'],
  where: [IS_MIRROR_POD],
};

export const KUBE_PROXY: Exception = {
  namespaces: ['kube-system'],
  names: ['kube-proxy', 'kube-proxy-?????'],
  where: [onlyImages('(^|/)kube-proxy(-[a-z0-9]+)?[:@]')],
};

export const COREDNS: Exception = {
  namespaces: ['kube-system'],
  names: ['coredns', 'coredns-*'],
  where: [onlyImages('(^|/)coredns[:@]')],
};

const NETWORK_AGENTS = [
  'antrea-agent',
  'calico-node',
  'canal',
  'cilium',
  'cilium-envoy',
  'kube-flannel-ds',
  'kube-router',
  'weave-net',
];

/** Pod networks that kubeadm's own page names: they cannot but reach into the node. */
export const POD_NETWORK: Exception = {
  namespaces: ['kube-system', 'kube-flannel', 'calico-system'],
  names: NETWORK_AGENTS.flatMap((name) => [name, `${name}-?????`]),
  where: [
    onlyImages('(^|/)(antrea|calico|cilium|cloudnativelabs|flannel|flannel-io|weaveworks)/[a-z0-9-]+[:@]'),
  ],
};

export const NODE_AGENTS: readonly Exception[] = [CONTROL_PLANE, KUBE_PROXY, POD_NETWORK];

/** No container has another one. */
function onlyImages(pattern: string): Condition {
  return { not: { some: 'containers[*]', where: [{ not: { path: 'image', matches: pattern } }] } };
}

import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import * as night from './fixtures.ts';

/** The same night, had etcd had three hosts of its own, and two others the API servers. */
export const ETCD_HOSTS_PLAN = RestorePlan.fromPartial({
  ...night.PLAN,
  nodes: [
    ...night.PLAN.nodes.map(({ manifests: _none, ...node }, index) => {
      const name = `etcd${[2, 3, 1][index]}`;
      return {
        ...node,
        node: name,
        hosting: 'systemd',
        etcdUnit: 'etcd.service',
        etcd: { ...node.etcd, name },
      };
    }),
    ...[4, 5].map((host, index) => ({
      node: `cp${index + 1}`,
      address: `10.0.0.${host}:7443`,
      order: host,
      hosting: 'static-pod',
      manifests: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((component) => ({
        component,
        fileName: `${component}.yaml`,
      })),
    })),
  ],
});

import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { Check } from './check.ts';

const KUBERNETES = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

/**
 * Kubelet's directory holds each part of the control plane once, and nothing else that runs etcd.
 * Which parts there must be: etcd where it is no unit, and all of the others or, on an etcd host,
 * none. A node with some of them has lost the rest.
 */
export const checkManifests: Check = ({ planned }) =>
  planned.flatMap(({ node, report }): Refusal[] => {
    const found: Refusal[] = [];
    for (const manifest of report.manifests) {
      if (!manifest.parsable) {
        found.push(
          refusal('MANIFEST_UNPARSABLE', `${manifest.fileName} on ${node} is no readable pod`, node),
        );
      }
    }
    const etcds = [
      ...(report.hosting === 'systemd' && report.etcdUnit !== undefined ? [report.etcdUnit.unit] : []),
      ...report.manifests
        .filter((each) => each.runsEtcd || each.component === 'etcd')
        .map(({ fileName }) => fileName),
    ];
    if (etcds.length > 1) {
      found.push(
        refusal('MANIFEST_SECOND_ETCD', `several files on ${node} run etcd: ${etcds.join(', ')}`, node),
      );
    }
    for (const component of expectedOf(report)) {
      const files = report.manifests.filter((each) => each.component === component);
      if (files.length === 0) {
        found.push(refusal('MANIFEST_MISSING', `${node} has no manifest of ${component}`, node));
      } else if (files.length > 1 && component !== 'etcd') {
        const names = files.map((each) => each.fileName).join(', ');
        found.push(refusal('MANIFEST_UNPARSABLE', `${node} has ${component} twice: ${names}`, node));
      }
    }
    return found;
  });

function expectedOf({ hosting, etcd, apiServer, manifests }: NodeReport): string[] {
  const isEtcdHost =
    etcd !== undefined &&
    apiServer === undefined &&
    !manifests.some(({ component }) => (KUBERNETES as readonly string[]).includes(component));
  return [
    ...(etcd === undefined || hosting === 'systemd' ? [] : ['etcd']),
    ...(isEtcdHost ? [] : KUBERNETES),
  ];
}

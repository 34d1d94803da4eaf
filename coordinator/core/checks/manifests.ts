import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Check } from './check.ts';

const CONTROL_PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

/** Kubelet's directory holds each part of the control plane once, and nothing else that runs etcd. */
export const checkManifests: Check = ({ members }) =>
  members.flatMap(({ node, report }): Refusal[] => {
    const found: Refusal[] = [];
    for (const manifest of report.manifests) {
      if (!manifest.parsable) {
        found.push(
          refusal('MANIFEST_UNPARSABLE', `${manifest.fileName} on ${node} is no readable pod`, node),
        );
      }
    }
    const etcds = report.manifests.filter((each) => each.runsEtcd || each.component === 'etcd');
    if (etcds.length > 1) {
      const names = etcds.map((each) => each.fileName).join(', ');
      found.push(refusal('MANIFEST_SECOND_ETCD', `several files on ${node} run etcd: ${names}`, node));
    }
    for (const component of CONTROL_PLANE) {
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

import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Check } from './check.ts';

/** Each node of the control plane runs member and API server as kubeadm's static pods. */
export const checkHosting: Check = ({ nodes, members }) => {
  if (members.length === 0) {
    return [refusal('NODE_MISSING', 'no agent that answered runs an etcd member')];
  }
  return nodes.flatMap(({ node, report }): Refusal[] => {
    if (report === undefined) return [];
    const found: Refusal[] = [];
    if ((report.etcd === undefined) !== (report.apiServer === undefined)) {
      const words =
        report.etcd === undefined ? 'an API server without a member' : 'a member without an API server';
      found.push(refusal('HOSTING_UNSUPPORTED', `${node} runs ${words}`, node));
    } else if (report.etcd !== undefined && report.hosting !== 'static-pod') {
      found.push(refusal('HOSTING_UNSUPPORTED', `${node} is hosted as "${report.hosting}"`, node));
    }
    if (report.etcd?.forceNewCluster === true) {
      found.push(refusal('FORCE_NEW_CLUSTER', `the etcd manifest of ${node} carries the flag`, node));
    }
    if (report.etcd !== undefined && report.etcd.walDir !== '') {
      found.push(refusal('WAL_DIR_UNSUPPORTED', `${node} keeps its WAL in ${report.etcd.walDir}`, node));
    }
    return found;
  });
};

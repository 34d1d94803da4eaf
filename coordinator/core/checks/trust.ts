import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Check } from './check.ts';

/** The certificate authority and the service-account keys are those of the snapshot, and one on all nodes. */
export const checkTrust: Check = ({ planned, facts, snapshot }) => {
  const found: Refusal[] = [];
  const snapshotCa = facts?.clusterCaSha256 || snapshot.card?.clusterCaSha256 || '';
  const snapshotKeys = snapshot.card?.serviceAccountKeySha256 ?? [];
  const first = planned.find((node) => node.report.apiServer !== undefined);
  for (const { node, report } of planned) {
    const api = report.apiServer;
    if (api === undefined) continue;
    if (snapshotCa !== '' && api.clusterCaSha256 !== '' && api.clusterCaSha256 !== snapshotCa) {
      const words = `the snapshot's cluster CA is ${short(snapshotCa)}; ${node} has ${short(api.clusterCaSha256)}`;
      found.push(refusal('CLUSTER_CA_MISMATCH', words, node));
    }
    const missing = snapshotKeys.filter((key) => !api.serviceAccountKeySha256.includes(key));
    if (missing.length > 0) {
      const words = `${node} lacks the service-account key ${missing.map(short).join(', ')} of the snapshot's time`;
      found.push(refusal('SERVICE_ACCOUNT_KEY_MISMATCH', words, node));
    }
    const reference = first?.report.apiServer;
    if (first === undefined || reference === undefined || first.node === node) continue;
    if (setText(api.serviceAccountKeySha256) !== setText(reference.serviceAccountKeySha256)) {
      const words = `${node} has other service-account keys than ${first.node}`;
      found.push(refusal('SERVICE_ACCOUNT_KEY_MISMATCH', words, node));
    }
    if (api.clusterCaSha256 !== reference.clusterCaSha256) {
      const words = `${node} has another cluster CA than ${first.node}`;
      found.push(refusal('CLUSTER_CA_MISMATCH', words, node));
    }
  }
  return found;
};

function setText(digests: readonly string[]): string {
  return [...digests].sort().join(',');
}

function short(digest: string): string {
  return digest.slice(0, 16);
}

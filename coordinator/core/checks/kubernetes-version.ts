import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { compareMinor, parseVersion } from '../etcd-version.ts';
import type { Check } from './check.ts';

/** The API servers can read what the snapshot's API servers wrote. */
export const checkKubernetesVersion: Check = ({ facts, snapshot, planned }) => {
  const words = facts?.kubernetesVersion || snapshot.card?.kubernetesVersion || '';
  const written = parseVersion(words);
  if (written === undefined) return [];
  return planned.flatMap((node): Refusal[] => {
    const running = parseVersion(node.report.apiServer?.version ?? '');
    if (running === undefined || compareMinor(written, running) <= 0) return [];
    return [
      refusal(
        'SNAPSHOT_NEWER_KUBERNETES',
        `the snapshot is of Kubernetes ${words}; the API server is ${node.report.apiServer?.version}`,
        node.node,
      ),
    ];
  });
};

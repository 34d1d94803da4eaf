import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { compareMinor, minorText, parseVersion, type Version } from '../etcd-version.ts';
import type { CheckInput } from '../plan-input.ts';
import type { Check } from './check.ts';

/** The members can read what the snapshot's etcd wrote. */
export const checkEtcdVersion: Check = (input) => {
  const snapshot = snapshotVersion(input);
  return input.members.flatMap((node): Refusal[] => {
    const member = parseVersion(node.report.etcd.version);
    if (member === undefined) {
      const words = `the version of etcd could not be found out ("${node.report.etcd.version}")`;
      return [refusal('NODE_INSPECTION_FAILED', words, node.node)];
    }
    if (snapshot === undefined || compareMinor(snapshot, member) <= 0) return [];
    const words = `the snapshot is of etcd ${minorText(snapshot)}; the member runs ${node.report.etcd.version}`;
    return [refusal('SNAPSHOT_NEWER_ETCD', words, node.node)];
  });
};

/** The newest that anything in the snapshot or its card speaks of. */
function snapshotVersion({ facts, snapshot }: CheckInput): Version | undefined {
  return [facts?.status?.storageVersion, facts?.clusterVersion, snapshot.card?.etcdVersion]
    .flatMap((text) => (text === undefined ? [] : [parseVersion(text)]))
    .filter((version) => version !== undefined)
    .sort((a, b) => compareMinor(b, a))[0];
}

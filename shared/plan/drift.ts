import { sha256Hex } from '../digest.ts';
import type { Inode } from '../generated/lockstep/v1/common.ts';
import type { EtcdReport, NodeReport } from '../generated/lockstep/v1/node.ts';

/** Lockstep's own condition on kubelet's start, put in place before re-inspect: no drift. */
const OWN_DROP_IN = '/99-lockstep-hold.conf';

/**
 * What must not change on a node between plan and downtime, by name. The coordinator puts it
 * into the plan, the agent computes it again in re-inspect: one function, so that both compare
 * the same things. What moves by itself does not count: clock, revision, leader, database size,
 * free space (which has a check of its own), readiness, open connections. Lists whose order
 * means nothing are sorted, so that only a change of content is a change.
 */
export function driftFields(report: NodeReport): Record<string, string> {
  const fields: Record<string, string> = {
    cluster: report.cluster,
    ledger: report.ledgerId,
    hosting: report.hosting,
    ...(report.etcd === undefined ? {} : etcdFields(report.etcd)),
  };
  const api = report.apiServer;
  if (api !== undefined) {
    fields['apiServer.etcdServers'] = api.etcdServers.join(',');
    fields['apiServer.etcdServersOverrides'] = api.etcdServersOverrides.join(',');
    fields['apiServer.etcdPrefix'] = api.etcdPrefix;
    fields['apiServer.version'] = api.version;
    fields['apiServer.clusterCa'] = api.clusterCaSha256;
    fields['apiServer.serviceAccountKeys'] = sorted(api.serviceAccountKeySha256);
    // Order counts: the first key is the one that writes.
    fields['apiServer.encryptionKeys'] = api.encryptionKeys.map((key) => key.fingerprintSha256).join(',');
  }
  for (const manifest of report.manifests) {
    fields[`manifest.${manifest.fileName}`] =
      `${manifest.sha256} inode ${inodeText(manifest.inode)} owner ${manifest.uid}:${manifest.gid} mode ${octal(manifest.mode)}`;
  }
  const unit = report.etcdUnit;
  if (unit !== undefined) {
    fields['etcdUnit'] = `${unit.unit} from ${unit.fragmentPath} as ${unit.user}:${unit.group}`;
    fields['etcdUnit.dropIns'] = unit.dropIns.join(',');
    for (const file of unit.files) {
      fields[`etcdUnit.${file.path}`] =
        `${file.sha256} owner ${file.uid}:${file.gid} mode ${octal(file.mode)}`;
    }
  }
  const kubelet = report.kubelet;
  if (kubelet !== undefined) {
    fields['kubelet.unit'] = kubelet.unit;
    fields['kubelet.active'] = String(kubelet.active);
    fields['kubelet.staticPodPath'] = kubelet.staticPodPath;
    fields['kubelet.dropIns'] = sorted(kubelet.dropIns.filter((path) => !path.endsWith(OWN_DROP_IN)));
  }
  for (const tool of report.tools) {
    // Not its path: in the running etcd's own root that holds a process id.
    fields[`tool.${tool.name}.${tool.source}`] = `${tool.version} ${tool.sha256}`;
  }
  return fields;
}

export function driftSha256(fields: Readonly<Record<string, string>>): string {
  const names = Object.keys(fields).sort();
  return sha256Hex(JSON.stringify(names.map((name) => [name, fields[name]])));
}

export interface DriftDifference {
  readonly field: string;
  /** Undefined where the field is on one side only. */
  readonly planned: string | undefined;
  readonly found: string | undefined;
}

export function driftDifferences(
  planned: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): DriftDifference[] {
  const names = new Set([...Object.keys(planned), ...Object.keys(found)]);
  return [...names]
    .sort()
    .filter((name) => planned[name] !== found[name])
    .map((field) => ({ field, planned: planned[field], found: found[field] }));
}

function etcdFields(etcd: EtcdReport): Record<string, string> {
  const store = etcd.store;
  return {
    'etcd.name': etcd.name,
    'etcd.dataDir': etcd.dataDir,
    'etcd.walDir': etcd.walDir,
    'etcd.command': etcd.command.join(' '),
    'etcd.version': etcd.version,
    'etcd.memberId': etcd.memberId,
    'etcd.clusterId': etcd.clusterId,
    'etcd.ca': etcd.caSha256,
    'etcd.authEnabled': String(etcd.authEnabled),
    'etcd.members': sorted(
      etcd.members.map(
        (member) =>
          `${member.id}=${member.name}[${sorted(member.peerUrls)}]${member.learner ? ' learner' : ''}`,
      ),
    ),
    'store.dataDirInode': inodeText(store?.dataDirInode),
    // A replaced database is another store, even where a defragmentation did it.
    'store.dbInode': inodeText(store?.dbInode),
    'store.owner': store === undefined ? '' : `${store.uid}:${store.gid} mode ${octal(store.mode)}`,
    'store.mountPoint': String(store?.isMountPoint ?? false),
    'store.filesystem': store?.filesystem ?? '',
  };
}

function sorted(texts: readonly string[]): string {
  return [...texts].sort().join(',');
}

function inodeText(inode: Inode | undefined): string {
  return inode === undefined ? '' : `${inode.device}:${inode.number}`;
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

import { lstatSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { EtcdReport, StoreReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';

import type { HostFiles } from '../../adapters/host-files.ts';
import type { EtcdLocalMember } from '../../adapters/local-member.ts';
import { formatDevice, type Mount } from '../../adapters/proc-tables.ts';
import type { EtcdSettings } from '../etcd-settings.ts';
import { imageTag, type ManifestContainer } from '../static-pod/manifest.ts';
import { readStoppedStore } from '../stopped-store.ts';
import { certificateFingerprint } from './fingerprints.ts';
import type { InspectionNotes } from './inspection-notes.ts';

/** A member that takes longer is reported as not serving. */
const ANSWER_MS = 3_000;

export interface EtcdInspection {
  readonly container: ManifestContainer;
  readonly settings: EtcdSettings;
  /** "/registry" */
  readonly prefix: string;
  readonly member: EtcdLocalMember;
  readonly files: HostFiles;
  readonly mounts: readonly Mount[];
  readonly notes: InspectionNotes;
}

/** The member from its manifest, its files and itself; from its files alone where it does not answer. */
export async function inspectEtcd(inspection: EtcdInspection, signal: AbortSignal): Promise<EtcdReport> {
  const { container, settings, notes, files, mounts } = inspection;
  if (settings.unknowable !== '') {
    notes.add(new LockstepError('NODE_INSPECTION_FAILED', { message: `etcd: ${settings.unknowable}.` }));
  }
  const [live, caSha256, store] = await Promise.all([
    inspectLive(inspection, signal),
    notes.attempt('the CA of etcd', '', () => etcdCaFingerprint(settings, files, signal)),
    notes.attempt('the data directory', undefined, async () =>
      inspectStore(files.realPath(settings.dataDir, 'read'), mounts),
    ),
  ]);
  const observed = live.serving ? live : { ...live, ...(await inspectStopped(inspection, signal)) };
  return {
    ...observed,
    name: settings.name,
    dataDir: settings.dataDir,
    walDir: settings.walDir,
    listenClientUrls: [...settings.listenClientUrls],
    listenPeerUrls: [...settings.listenPeerUrls],
    advertiseClientUrls: [...settings.advertiseClientUrls],
    initialAdvertisePeerUrls: [...settings.initialAdvertisePeerUrls],
    initialCluster: settings.initialCluster,
    command: [...container.words],
    forceNewCluster: settings.forceNewCluster,
    initialCorruptCheck: settings.initialCorruptCheck,
    quotaBytes: settings.quotaBytes,
    store,
    caSha256,
  };
}

/** Empty where its clients need no certificate. */
export async function etcdCaFingerprint(
  { trustedCaFile }: EtcdSettings,
  files: HostFiles,
  signal: AbortSignal,
): Promise<string> {
  return trustedCaFile === undefined ? '' : certificateFingerprint(await files.read(trustedCaFile, signal));
}

type Observed = Pick<
  EtcdReport,
  | 'serving'
  | 'version'
  | 'memberId'
  | 'clusterId'
  | 'revision'
  | 'leader'
  | 'learner'
  | 'authEnabled'
  | 'alarms'
  | 'members'
  | 'raftIndex'
  | 'apiServerAddresses'
>;

const SILENT: Observed = {
  serving: false,
  version: '',
  memberId: '',
  clusterId: '',
  revision: 0n,
  leader: false,
  learner: false,
  authEnabled: false,
  alarms: [],
  members: [],
  raftIndex: 0n,
  apiServerAddresses: [],
};

async function inspectLive({ member, prefix }: EtcdInspection, signal: AbortSignal): Promise<Observed> {
  const soon = deadline(ANSWER_MS, signal);
  try {
    // With auth on, a member answers a stranger nothing else: that it does is all there is to know.
    if (await member.authEnabled(soon)) return { ...SILENT, serving: true, authEnabled: true };
    const [seen, apiServerAddresses] = await Promise.all([
      member.observe(soon),
      member.apiServerAddresses(prefix, soon),
    ]);
    return {
      serving: true,
      version: seen.version,
      memberId: seen.memberId,
      clusterId: seen.clusterId,
      revision: seen.revision,
      leader: seen.leader,
      learner: seen.learner,
      authEnabled: false,
      alarms: [...seen.alarms],
      members: [...seen.members],
      raftIndex: seen.raftIndex,
      apiServerAddresses,
    };
  } catch (thrown) {
    signal.throwIfAborted();
    // Late is silent, whatever it was that did not end in time.
    if (thrown instanceof LockstepError || soon.aborted) return SILENT;
    throw thrown;
  }
}

/** Not to answer is a state, not a failure; files that cannot be read are one. */
async function inspectStopped(
  { container, settings, files, notes }: EtcdInspection,
  signal: AbortSignal,
): Promise<Partial<Observed>> {
  return notes.attempt<Partial<Observed>>('the files of the member, which does not answer,', {}, async () => {
    const store = await readStoppedStore(files.realPath(settings.dataDir, 'read'), signal);
    const self = store.members.find((one) => one.name === settings.name);
    return {
      // The image says the patch, the store only the cluster's minor.
      version: /\d+\.\d+\.\d+/u.exec(imageTag(container.image))?.[0] ?? store.version,
      memberId: store.wal?.memberId ?? self?.id ?? '',
      clusterId: store.wal?.clusterId ?? '',
      revision: store.revision,
      learner: self?.learner ?? false,
      authEnabled: store.authEnabled,
      alarms: [...store.alarms],
      members: [...store.members],
      raftIndex: store.wal?.lastIndex ?? 0n,
    };
  });
}

export function inspectStore(dataDir: string, mounts: readonly Mount[]): StoreReport {
  const directory = lstatSync(dataDir, { bigint: true });
  const db = statSync(posix.join(dataDir, 'member/snap/db'), { bigint: true, throwIfNoEntry: false });
  const device = formatDevice(directory.dev);
  // The longest mount point that is a prefix is where it lies; the device alone fails on bind mounts.
  const mount = mounts
    .filter(({ mountPoint }) => posix.join(dataDir, '/').startsWith(posix.join(mountPoint, '/')))
    .toSorted((a, b) => b.mountPoint.length - a.mountPoint.length)[0];
  return {
    dataDirInode: { device: directory.dev, number: directory.ino },
    dbInode: db === undefined ? undefined : { device: db.dev, number: db.ino },
    dbSizeBytes: db?.size ?? 0n,
    uid: Number(directory.uid),
    gid: Number(directory.gid),
    mode: Number(directory.mode & 0o7777n),
    isMountPoint: mounts.some(({ mountPoint }) => mountPoint === dataDir),
    filesystem: mount?.filesystem ?? mounts.find((one) => one.device === device)?.filesystem ?? '',
  };
}

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Inode } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodeReport, ToolReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { EtcdMemberPlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { SnapshotCard, SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { cleanPath } from './host-path.ts';
import { newStoreDifferences } from './new-store.ts';

/** etcd allocates its log whole, and one more of it ahead. */
const LOG_BYTES = 2n * 64_000_000n;
/** What kubelet begins to collect images at, and soon after evicts pods: a drill never comes near it. */
const KEPT_FREE_PERCENT = 15n;
/** An etcd with nothing in it, and what it holds in memory of each row. */
const IDLE_ETCD_BYTES = 192n * 1024n * 1024n;
const BYTES_PER_ENTRY = 512n;

/** Names in the directory that the drill's etcd runs in: sockets of files, so no port of the node is taken. */
export const CLIENT_SOCKET = 'client:1';
const PEER_URL = 'unix://peer:1';

/** The one member of a drill. It has no peers, and answers nowhere but in its own directory. */
export const DRILL_MEMBER: Pick<EtcdMemberPlan, 'name' | 'initialCluster' | 'initialAdvertisePeerUrls'> & {
  readonly clientUrl: string;
  readonly peerUrl: string;
} = {
  name: 'drill',
  clientUrl: `unix://${CLIENT_SOCKET}`,
  peerUrl: PEER_URL,
  initialCluster: `drill=${PEER_URL}`,
  initialAdvertisePeerUrls: [PEER_URL],
};

const DRILL_MEMBERS_AT_REST = [
  { id: '', name: DRILL_MEMBER.name, peerUrls: [PEER_URL], clientUrls: [], learner: false },
];

export interface DrillResources {
  readonly report: NodeReport;
  readonly memoryAvailableBytes: bigint;
}

/** Throws SPACE_TOO_LITTLE, MEMORY_TOO_LITTLE: the node's own work comes first. */
export function requireRoom(
  node: string,
  facts: SnapshotFacts,
  { report, memoryAvailableBytes }: DrillResources,
): void {
  const disk = report.disks.find(({ purpose }) => purpose === 'state');
  const diskNeed = (facts.status?.totalSizeBytes ?? facts.fileSizeBytes) + LOG_BYTES;
  const kept = ((disk?.totalBytes ?? 0n) * KEPT_FREE_PERCENT) / 100n;
  if (disk === undefined || disk.freeBytes < diskNeed + kept) {
    throw new LockstepError('SPACE_TOO_LITTLE', {
      node,
      message: `${disk?.path ?? 'The state directory'} on ${node} has ${megabytes(disk?.freeBytes ?? 0n)} free; a drill needs ${megabytes(diskNeed)} and leaves ${megabytes(kept)}.`,
    });
  }
  const memoryNeed = IDLE_ETCD_BYTES + (facts.status?.totalEntries ?? 0n) * BYTES_PER_ENTRY;
  if (memoryAvailableBytes < memoryNeed) {
    throw new LockstepError('MEMORY_TOO_LITTLE', {
      node,
      message: `${node} has ${megabytes(memoryAvailableBytes)} of memory left; a drill needs ${megabytes(memoryNeed)}.`,
    });
  }
}

/** Where the drill is to work, against where the live member lives. Host paths without links. */
export interface Apartness {
  readonly scratch: string;
  readonly scratchInode: Inode | undefined;
  readonly dataDirs: readonly string[];
  readonly liveInodes: readonly Inode[];
}

/** Throws DRILL_NEAR_LIVE where either lies in the other, by name or by inode. */
export function requireApart(node: string, { scratch, scratchInode, dataDirs, liveInodes }: Apartness): void {
  const near = dataDirs.find((dataDir) => isBelow(dataDir, scratch) || isBelow(scratch, dataDir));
  const same = liveInodes.some(
    (inode) => inode.device === scratchInode?.device && inode.number === scratchInode.number,
  );
  if (near === undefined && !same && scratchInode !== undefined) return;
  throw new LockstepError('DRILL_NEAR_LIVE', {
    node,
    message: `'${scratch}' is not apart from '${near ?? dataDirs.join("', '")}'.`,
  });
}

/**
 * The tool that a restore on this node would take: of the member's own minor version; where there is
 * no member, of the snapshot's. Throws TOOL_MISSING, TOOL_MISMATCH.
 */
export function drillTool(node: string, report: NodeReport, card: SnapshotCard): ToolReport {
  const version = report.etcd?.version || card.etcdVersion || card.facts?.clusterVersion || '';
  const minor = minorOf(version);
  const name = minor === '3.4' ? 'etcdctl' : 'etcdutl';
  const tools = report.tools.filter((tool) => tool.name === name);
  const fitting = tools.find((tool) => minorOf(tool.version) === minor);
  if (fitting !== undefined) return fitting;
  const [other] = tools;
  if (other === undefined) {
    throw new LockstepError('TOOL_MISSING', { node, message: `${node} has no ${name}.` });
  }
  throw new LockstepError('TOOL_MISMATCH', {
    node,
    message: `${other.path} on ${node} is of ${other.version}; the store is of ${version || 'no known version'}.`,
  });
}

/** "3.5.16" -> "3.5"; empty where it says no version. */
export function minorOf(version: string): string {
  return /^v?(?<minor>\d+\.\d+)/u.exec(version)?.groups?.['minor'] ?? '';
}

/** In what the restored store, read at rest, differs from the card. */
export function restoredDifferences(
  card: SnapshotFacts,
  restored: SnapshotFacts,
  toolVersion: string,
): string[] {
  // 3.4 writes the members into the log alone: what is in the database is replaced when etcd starts.
  const members = minorOf(toolVersion) === '3.4' ? DRILL_MEMBERS_AT_REST : restored.members;
  return newStoreDifferences(
    card,
    // What is on in the snapshot is on in what came of it; whether that may be is a restore's to judge.
    { ...restored, members, authEnabled: restored.authEnabled !== card.authEnabled },
    { initialCluster: DRILL_MEMBER.initialCluster, bump: undefined, alarmsToDisarm: card.alarms },
  );
}

/** What the drill's etcd said, at the content's revision where it has one. */
export interface Served {
  readonly revision: bigint;
  readonly liveKeys: bigint;
  readonly objects: ReadonlyMap<string, bigint>;
  readonly alarms: readonly string[];
  readonly members: readonly string[];
}

/** In what it differs from the card. */
export function servedDifferences(card: SnapshotFacts, served: Served): string[] {
  const differences: string[] = [];
  const compare = (what: string, found: unknown, wanted: unknown): void => {
    if (found !== wanted) differences.push(`${what} is ${String(found)}, not ${String(wanted)}`);
  };
  const revision = card.status?.revision ?? 0n;
  // Leases that run out move the head on; nothing moves it back.
  if (served.revision < revision) compare('revision', served.revision, revision);
  compare('number of keys', served.liveKeys, card.status?.liveKeys);
  compare('alarms', [...served.alarms].sort().join(), [...card.alarms].sort().join());
  compare('members', served.members.join(), DRILL_MEMBER.name);
  const wanted = new Map<string, bigint>();
  for (const { resource, count } of card.objects) wanted.set(resource, (wanted.get(resource) ?? 0n) + count);
  for (const resource of new Set([...wanted.keys(), ...served.objects.keys()])) {
    compare(`number of ${resource}`, served.objects.get(resource) ?? 0n, wanted.get(resource) ?? 0n);
  }
  return differences;
}

/** The priority tools that etcd's programs are started through, and what a machine in need says. */
const NOT_THE_STORE =
  /^(?:setpriv|chrt|ionice|nice): |no space left on device|disk quota exceeded|cannot allocate memory|too many open files|out of memory|permission denied/imu;

/**
 * Whether the words of a program of etcd's that gave up are about the store that it was given, and
 * not about the machine that it ran on. Without words nothing is said about anything.
 */
export function isAboutStore(words: string): boolean {
  return words.trim() !== '' && !NOT_THE_STORE.test(words);
}

function isBelow(directory: string, path: string): boolean {
  const [above, below] = [cleanPath(directory), cleanPath(path)];
  return above === '/' || below === above || below.startsWith(`${above}/`);
}

function megabytes(bytes: bigint): string {
  return `${bytes / 1_000_000n} MB`;
}

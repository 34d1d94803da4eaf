import { approvalNeeds } from '@lockstep/coordinator/core/approval.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import type { ManifestReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import {
  SnapshotCard,
  SnapshotFacts,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { driftFields, driftSha256 } from '@lockstep/shared/plan/drift.ts';
import { cardJson } from '@lockstep/shared/seal/card.ts';
import { BEGAN_MS } from './clock.ts';

/** What differs between the clusters that are simulated. */
export interface Shape {
  readonly nodes: 3 | 5;
  /** Members check each other at start, so they start one after another. */
  readonly inTurn: boolean;
  /** OLD has its quorum when the operation begins. */
  readonly serving: boolean;
  /** 0: none. */
  readonly maxOutageMs: number;
  /** The snapshot carries an alarm that the gate must cure. */
  readonly alarm: boolean;
  /** How many nodes the operation goes on without: the last ones. */
  readonly leftOut: number;
  /** They are said to be gone for good: any number, with OLD's quorum among them. */
  readonly destroyed: boolean;
}

/** A plan and what the world answers by it; made once for each shape. */
export interface PlannedWorld {
  readonly shape: Shape;
  readonly plan: RestorePlan;
  readonly planBytes: Uint8Array;
  readonly planSha256: string;
  readonly reports: readonly NodeReport[];
  readonly snapshot: StoredSnapshot;
  readonly newFacts: SnapshotFacts;
}

export const CLUSTER = 'lab';
export const OPERATION_ID = 'r-sim';
export const SNAPSHOT_ID = 's-sim';
export const STATE_DIR = '/var/lib/lockstep';
export const DEVICE = 1n;
export const OLD_CLUSTER_ID = 'aaaa';
export const NEW_CLUSTER_ID = 'bbbb';
export const OLD_REVISION = 5_000n;
const SNAPSHOT_REVISION = 3_000n;
const BUMP = 1_000_002_000n;
export const NEW_REVISION = SNAPSHOT_REVISION + BUMP;
/** OLD's directory on every node; each node has a disk of its own. */
export const OLD_INODE = 100;
const CONTENT_SHA256 = sha256Hex('the content of the snapshot');
const PLAN_EXPIRY_MS = 15 * 60_000;

const known = new Map<string, PlannedWorld>();

export function plannedWorld(shape: Shape): PlannedWorld {
  const key = JSON.stringify(shape);
  let planned = known.get(key);
  if (planned === undefined) {
    planned = makePlan(shape);
    known.set(key, planned);
  }
  return planned;
}

export function nodeName(index: number): string {
  return `cp${index + 1}`;
}

export function memberId(index: number): string {
  return `${index + 1}a`;
}

export function peerUrl(index: number): string {
  return `https://10.0.0.${index + 1}:2380`;
}

export function ledgerIdOf(index: number): string {
  return `ledger-${index + 1}`;
}

function makePlan(shape: Shape): PlannedWorld {
  const indices = Array.from({ length: shape.nodes }, (_, index) => index);
  const members = indices.map((index) => ({
    id: memberId(index),
    name: nodeName(index),
    peerUrls: [peerUrl(index)],
    clientUrls: [`https://10.0.0.${index + 1}:2379`],
    learner: false,
  }));
  const takingPart = indices.slice(0, shape.nodes - shape.leftOut);
  const initialCluster = takingPart.map((index) => `${nodeName(index)}=${peerUrl(index)}`).join(',');
  const facts = SnapshotFacts.fromPartial({
    status: { revision: SNAPSHOT_REVISION, totalSizeBytes: 1_000_000n, totalEntries: 10n, liveKeys: 5n },
    fileSha256: sha256Hex('the file'),
    fileSizeBytes: 1_000_000n,
    trailerPresent: true,
    trailerValid: true,
    contentSha256: CONTENT_SHA256,
    registryPrefix: '/registry',
    alarms: shape.alarm ? ['NOSPACE'] : [],
  });
  const newFacts = SnapshotFacts.fromPartial({
    ...facts,
    status: { revision: NEW_REVISION, totalSizeBytes: 1_000_000n, totalEntries: 11n, liveKeys: 5n },
    rowsAboveContent: 1n,
    onlyBumpRowAboveContent: true,
    members: takingPart.map((index) => ({
      id: memberId(index),
      name: nodeName(index),
      peerUrls: [peerUrl(index)],
      learner: false,
    })),
  });
  const reports = indices.map((index) => reportOf(index, shape, members));
  const leftOut = indices.slice(takingPart.length).map((index) => ({
    node: nodeName(index),
    address: address(index),
    memberId: memberId(index),
    memberName: nodeName(index),
    hosts: [`10.0.0.${index + 1}`],
    destroyed: shape.destroyed,
  }));
  const etcdutl = {
    name: 'etcdutl',
    path: '/usr/bin/etcdutl',
    sha256: 'ab',
    version: '3.5.16',
    source: 'host',
  };
  const card = {
    id: SNAPSHOT_ID,
    cluster: CLUSTER,
    node: nodeName(0),
    takenAt: '2026-09-01T00:00:00Z',
    facts,
    etcdClusterId: OLD_CLUSTER_ID,
    etcdVersion: '3.5.16',
  };
  const plan = RestorePlan.fromPartial({
    operationId: OPERATION_ID,
    cluster: CLUSTER,
    createdMs: BigInt(BEGAN_MS),
    expiresMs: BigInt(BEGAN_MS + PLAN_EXPIRY_MS),
    requestedBy: 'operator',
    reason: 'simulated',
    snapshot: card,
    sealedSnapshot: {
      cardJson: cardJson(SnapshotCard.fromPartial(card)),
      seals: [`agent/${card.node}`, 'coordinator/a'].map((name) => ({
        signer: `lockstep://${CLUSTER}/${name}`,
      })),
    },
    sources: takingPart.slice(0, 2).map((index) => ({ node: nodeName(index), address: address(index) })),
    leftOut,
    approvalNeeds: approvalNeeds(leftOut, []),
    nodes: reports.slice(0, takingPart.length).map((report, index) => {
      const fields = driftFields(report);
      return {
        node: report.node,
        address: address(index),
        ledgerId: report.ledgerId,
        order: index,
        etcd: {
          name: report.node,
          dataDir: '/var/lib/etcd',
          oldStore: report.etcd?.store,
          oldMemberId: memberId(index),
          initialCluster,
          initialAdvertisePeerUrls: [peerUrl(index)],
          listenClientUrls: [`https://10.0.0.${index + 1}:2379`],
          listenPeerUrls: [peerUrl(index)],
        },
        manifests: report.manifests,
        staticPodPath: '/etc/kubernetes/manifests',
        kubeletUnit: 'kubelet.service',
        driftSha256: driftSha256(fields),
        driftFields: fields,
        etcdutl,
        neededBytes: 200_000_000n,
        apiServerAddress: `10.0.0.${index + 1}`,
      };
    }),
    clusterToken: 'token-of-r-sim',
    bump: { by: BUMP, toRevision: NEW_REVISION },
    maxOutageMs: BigInt(shape.maxOutageMs),
    baseline: { serving: shape.serving, etcdClusterId: OLD_CLUSTER_ID, members, revision: OLD_REVISION },
    startMembersInTurn: shape.inTurn,
    alarmsToDisarm: shape.alarm ? ['NOSPACE'] : [],
  });
  const planBytes = Buffer.from(RestorePlan.encode(plan).finish());
  return {
    shape,
    plan: RestorePlan.decode(planBytes),
    planBytes,
    planSha256: sha256Hex(planBytes),
    reports,
    snapshot: StoredSnapshot.fromPartial({ card, node: nodeName(0), path: `/snapshots/${SNAPSHOT_ID}.db` }),
    newFacts,
  };
}

export function address(index: number): string {
  return `10.0.0.${index + 1}:7443`;
}

const MANIFESTS = [
  ['etcd', 'etcd.yaml'],
  ['kube-apiserver', 'kube-apiserver.yaml'],
  ['kube-controller-manager', 'kube-controller-manager.yaml'],
  ['kube-scheduler', 'kube-scheduler.yaml'],
] as const;

function reportOf(
  index: number,
  shape: Shape,
  members: NonNullable<NodeReport['etcd']>['members'],
): NodeReport {
  const manifests: ManifestReport[] = MANIFESTS.map(([component, fileName], at) => ({
    fileName,
    sha256: `${at}${at}`,
    inode: { device: DEVICE, number: BigInt(10 + at) },
    uid: 0,
    gid: 0,
    mode: 0o600,
    modifiedMs: 1n,
    component,
    pod: `kube-system/${component}`,
    parsable: true,
    runsEtcd: component === 'etcd',
  }));
  return NodeReport.fromPartial({
    node: nodeName(index),
    cluster: CLUSTER,
    ledgerId: ledgerIdOf(index),
    agentVersion: '0.1.0',
    hosting: 'static-pod',
    etcd: {
      name: nodeName(index),
      dataDir: '/var/lib/etcd',
      command: ['etcd'],
      initialCorruptCheck: shape.inTurn,
      serving: shape.serving,
      version: '3.5.16',
      memberId: memberId(index),
      clusterId: OLD_CLUSTER_ID,
      revision: OLD_REVISION,
      members,
      store: {
        dataDirInode: { device: DEVICE, number: BigInt(OLD_INODE) },
        dbInode: { device: DEVICE, number: BigInt(OLD_INODE + 1) },
        dbSizeBytes: 1_000_000n,
        uid: 0,
        gid: 0,
        mode: 0o700,
        isMountPoint: false,
        filesystem: 'ext4',
      },
    },
    manifests,
    kubelet: { unit: 'kubelet.service', active: true, staticPodPath: '/etc/kubernetes/manifests' },
    disks: [
      {
        purpose: 'data',
        path: '/var/lib',
        freeBytes: 100_000_000_000n,
        totalBytes: 200_000_000_000n,
        device: DEVICE,
      },
    ],
  });
}

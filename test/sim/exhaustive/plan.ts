import { HANDLERS, type Handlers } from '@lockstep/agent/executor/handlers.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { driftFields, driftSha256 } from '@lockstep/shared/plan/drift.ts';

/** The one operation that is searched: three kubeadm nodes, each with a member and an API server. */

export const CLUSTER = 'model';
export const OPERATION = 'r-1';
export const STATE_DIR = '/var/lib/lockstep';
export const DATA_DIR = '/var/lib/etcd';
export const OLD_CLUSTER = 'old';
export const NEW_CLUSTER = 'new';
export const OLD_REVISION = 1000n;
export const CANARY_REVISION = 2_000_000_001n;
export const COMPACT_REVISION = 2_000_000_000n;
/** Every event happens at this moment: what follows from time alone is a timer's event. */
export const NOW_MS = 1_000_000;

/** OLD's and NEW's directories, before the first exchange; both on one filesystem. */
export const OLD_INODE = { device: 1n, number: 100n };
export const NEW_INODE = { device: 1n, number: 200n };

const MAX_OUTAGE_MS = 600_000n;
const MANIFESTS = [
  { component: 'etcd', fileName: 'etcd.yaml' },
  { component: 'kube-apiserver', fileName: 'kube-apiserver.yaml' },
];

/** What the inspection of a node says, at the plan and ever after: nothing drifts. */
export const REPORT: NodeReport = NodeReport.fromPartial({ cluster: CLUSTER, hosting: 'static-pod' });

export const NEW_FACTS: SnapshotFacts = SnapshotFacts.fromPartial({
  contentSha256: 'content',
  fileSha256: 'file',
  status: { revision: OLD_REVISION },
  rowsAboveContent: 0n,
});

export interface Searched {
  readonly plan: RestorePlan;
  readonly bytes: Buffer;
  readonly sha256: string;
  readonly nodes: readonly string[];
  /** What a member of each node's cluster lists, whichever incarnation. */
  readonly members: readonly { id: string; name: string; peerUrls: string[] }[];
  /** What NEW's database says, read at rest. */
  readonly built: SnapshotFacts;
  /** The product's own, but in tests of the search. */
  readonly handlers: Handlers;
}

export function searchedPlan(
  nodeCount: number,
  startMembersInTurn: boolean,
  handlers: Handlers = HANDLERS,
): Searched {
  const nodes = Array.from({ length: nodeCount }, (_, index) => `cp${index + 1}`);
  const members = nodes.map((name, index) => ({
    id: `${index + 1}`,
    name,
    peerUrls: [`https://10.0.0.${index + 1}:2380`],
  }));
  const initialCluster = members.map(({ name, peerUrls }) => `${name}=${peerUrls[0]}`).join(',');
  const fields = driftFields(REPORT);
  const plan = RestorePlan.fromPartial({
    operationId: OPERATION,
    cluster: CLUSTER,
    expiresMs: BigInt(Number.MAX_SAFE_INTEGER),
    snapshot: { id: 's-1', facts: NEW_FACTS },
    clusterToken: 'token',
    maxOutageMs: MAX_OUTAGE_MS,
    startMembersInTurn,
    baseline: {
      serving: true,
      etcdClusterId: OLD_CLUSTER,
      revision: OLD_REVISION,
      members,
    },
    nodes: members.map(({ id, name, peerUrls }, index) => ({
      node: name,
      ledgerId: ledgerIdOf(name),
      order: index,
      address: `10.0.0.${index + 1}:7443`,
      etcd: {
        name,
        dataDir: DATA_DIR,
        oldMemberId: id,
        initialCluster,
        initialAdvertisePeerUrls: peerUrls,
        listenPeerUrls: peerUrls,
        oldStore: { dataDirInode: OLD_INODE },
      },
      manifests: MANIFESTS,
      staticPodPath: '/etc/kubernetes/manifests',
      etcdutl: { path: '/usr/local/bin/etcdutl' },
      driftFields: fields,
      driftSha256: driftSha256(fields),
    })),
  });
  const bytes = Buffer.from(RestorePlan.encode(plan).finish());
  return {
    plan,
    bytes,
    sha256: sha256Hex(bytes),
    nodes,
    members,
    built: SnapshotFacts.fromPartial({ ...NEW_FACTS, members }),
    handlers,
  };
}

export function ledgerIdOf(node: string): string {
  return `ledger-${node}`;
}

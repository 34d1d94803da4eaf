import type { ErrorEntry } from './entry.ts';

/** Found while inspecting, planning or re-inspecting: nothing was changed. */
export const planErrors = {
  SNAPSHOT_NEWER_ETCD: {
    class: 'never',
    meaning: 'The snapshot comes from a newer minor version of etcd than the members run.',
    cure: 'Upgrade etcd on every node to the snapshot’s minor version first, or choose an older snapshot.',
  },
  SNAPSHOT_NEWER_KUBERNETES: {
    class: 'never',
    meaning: 'The snapshot was written by a newer minor version of Kubernetes than the nodes run.',
    cure: 'Put the API servers back to the snapshot’s minor version first, or choose an older snapshot.',
  },
  SNAPSHOT_EMPTY: {
    class: 'never',
    meaning: 'The snapshot holds no Kubernetes objects under the prefix that the API servers use.',
    cure: 'Choose the snapshot of this cluster; `lockstep snapshot show` lists what one holds.',
  },
  NODE_MISSING: {
    class: 'never',
    meaning: 'A node of the cluster did not answer, or a member has no agent.',
    cure: 'Bring the node’s agent back (`lockstep doctor`), then plan again.',
  },
  NODE_INSPECTION_FAILED: {
    class: 'never',
    meaning: 'An agent could not read something that the plan must know.',
    cure: 'Mend what the message names on that node, then plan again.',
  },
  CLUSTER_MISMATCH: {
    class: 'never',
    meaning: 'An agent or a snapshot belongs to another cluster than this one.',
    cure: 'Check the coordinator’s node list and the agent’s `cluster` setting; a snapshot of another cluster needs `--into CLUSTER`.',
  },
  PLACE_IS_ITS_OWN: {
    class: 'never',
    meaning: 'With `--into` goes a snapshot of another cluster, and this one is of this cluster.',
    cure: 'Leave `--into` out.',
  },
  PLACE_UNKNOWN: {
    class: 'never',
    meaning: 'What describes the hosts of this cluster could not be read, and the snapshot describes others.',
    cure: 'Bring the freshly built cluster up first: its etcd must serve, so that its own nodes and addresses are known.',
  },
  HOSTING_UNSUPPORTED: {
    class: 'never',
    meaning: 'The node does not run its control plane in a way that Lockstep can restore.',
    cure: 'Install the agent on every etcd host and every control-plane host; etcd may be kubeadm’s static pod or a systemd unit (`hosting: systemd` in agent.yaml).',
  },
  SPACE_TOO_LITTLE: {
    class: 'never',
    meaning: 'The disk has too little free space for the snapshot, the new store and the margin.',
    cure: 'Free the space that the message names on that node, then plan again.',
  },
  TOOL_MISSING: {
    class: 'never',
    meaning: 'No etcdutl was found on the node.',
    cure: 'Install the etcdutl of etcd’s minor version, or set `tools.etcdutl` in the agent’s configuration.',
  },
  TOOL_MISMATCH: {
    class: 'never',
    meaning: 'The etcdutl on the node is of another minor version than the member.',
    cure: 'Install the etcdutl of the member’s minor version, or set `tools.etcdutl` in the agent’s configuration.',
  },
  MANIFEST_UNPARSABLE: {
    class: 'never',
    meaning: 'A file in the manifest directory is no readable pod.',
    cure: 'Mend the file or move it out of the manifest directory, then plan again.',
  },
  MANIFEST_SECOND_ETCD: {
    class: 'never',
    meaning: 'Another file in the manifest directory also runs etcd: kubelet would run both.',
    cure: 'Move the copy out of the manifest directory, then plan again.',
  },
  MANIFEST_MISSING: {
    class: 'never',
    meaning: 'A control-plane manifest that should be in place is not there.',
    cure: 'Put the manifest back, or run `lockstep restore resume` if an operation is open.',
  },
  MEMBER_NOT_PLANNED: {
    class: 'never',
    meaning: 'The cluster has an etcd member on which no agent runs.',
    cure: 'Install the agent there, or remove the member from the cluster, then plan again.',
  },
  MEMBER_LEARNER: {
    class: 'never',
    meaning: 'A member is still a learner: a restore would drop it.',
    cure: 'Promote the learner with `etcdctl member promote`, or remove it, then plan again.',
  },
  MEMBERS_DISAGREE: {
    class: 'never',
    meaning: 'The nodes do not agree on who the members are.',
    cure: 'Compare `lockstep node list -o wide` with the manifests, and settle the membership first.',
  },
  CLIENT_NOT_PLANNED: {
    class: 'never',
    meaning:
      'Something that is not in the plan uses this etcd and would live through the restore with stale state.',
    cure: 'Stop that client, or install the agent on its host, then plan again.',
  },
  ENCRYPTION_KEY_WRONG: {
    class: 'never',
    meaning: 'The node’s encryption configuration cannot open what the snapshot holds.',
    cure: 'Put the key of the snapshot’s time back into the EncryptionConfiguration on every node.',
  },
  ENCRYPTION_UNPROVEN: {
    class: 'with-reason',
    meaning:
      'The snapshot’s values are encrypted through a KMS plugin, so opening them cannot be tried beforehand.',
    cure: 'Check with the KMS that the key exists, then override with that as the reason.',
  },
  CLUSTER_CA_MISMATCH: {
    class: 'never',
    meaning: 'The snapshot belongs to a cluster with another certificate authority.',
    cure: 'Put back the CA of the snapshot’s time, or choose a snapshot of this cluster.',
  },
  SERVICE_ACCOUNT_KEY_MISMATCH: {
    class: 'never',
    meaning: 'The service-account keys are not those of the snapshot’s time, or differ between nodes.',
    cure: 'Put the same service-account key pair on every node, the one of the snapshot’s time.',
  },
  ETCD_PREFIX_MISMATCH: {
    class: 'never',
    meaning: 'The API servers look under another --etcd-prefix than the one the snapshot uses.',
    cure: 'Choose a snapshot of this cluster, or set --etcd-prefix as the snapshot has it.',
  },
  AUTH_ENABLED: {
    class: 'never',
    meaning: 'etcd’s own authentication is switched on, in the live store or in the snapshot.',
    cure: 'Switch it off with `etcdctl auth disable`, or choose a snapshot without it.',
  },
  FORCE_NEW_CLUSTER: {
    class: 'never',
    meaning: 'A manifest carries --force-new-cluster: each start would drop the other members.',
    cure: 'Remove the flag from the manifest, then plan again.',
  },
  WAL_DIR_UNSUPPORTED: {
    class: 'never',
    meaning:
      'The member keeps its WAL outside its data directory, which cannot be exchanged in one step yet.',
    cure: 'Move the WAL into the data directory (remove --wal-dir), or wait for the release that supports it.',
  },
  ALARM_CORRUPT: {
    class: 'never',
    meaning: 'The snapshot carries a CORRUPT alarm: its members disagreed when it was taken.',
    cure: 'Choose a snapshot that was taken before the alarm.',
  },
  QUOTA_EXCEEDED: {
    class: 'never',
    meaning: 'The snapshot is larger than --quota-backend-bytes: its NOSPACE alarm would come back at once.',
    cure: 'Raise --quota-backend-bytes on every member, then plan again.',
  },
  CLOCK_SKEW: {
    class: 'with-reason',
    meaning: 'The clocks of the nodes are more than 10 s apart.',
    cure: 'Start time synchronisation on the node that is off, or override with a reason.',
  },
  BUMP_UNAVAILABLE: {
    class: 'with-reason',
    meaning: 'The etcdutl on the nodes is too old to bump revisions: watchers would miss changes silently.',
    cure: 'Upgrade etcd to 3.4.27, 3.5.10 or later, or override and restart every client of the API.',
  },
  WEBHOOK_ORPHANED: {
    class: 'with-reason',
    meaning:
      'A fail-closed admission webhook in the snapshot points to a Service that is not in the snapshot.',
    cure: 'Be ready to delete the webhook configuration once the API serves, and override with that reason.',
  },
  KUBELET_THRESHOLD: {
    class: 'with-reason',
    meaning: 'The new store would bring the disk below kubelet’s eviction threshold.',
    cure: 'Free space on that node, or override with a reason.',
  },
  DESTROYED: {
    class: 'second-person',
    meaning: 'Nodes are said to be gone for good; if they come back as a quorum, they serve the old store.',
    cure: 'Make sure that those hosts never start again, and approve with `lockstep restore approve OPERATION`.',
  },
  LEFT_OUT_UNKNOWN: {
    class: 'never',
    meaning: 'A node that is to be left out is neither known nor a member.',
    cure: 'See `lockstep node list` for the names, then plan again.',
  },
  LEFT_OUT_ALIVE: {
    class: 'never',
    meaning: 'A node that is to be left out answers: its old store would go on beside the new one.',
    cure: 'Plan with it, or power it off; then plan again.',
  },
  LEFT_OUT_QUORUM: {
    class: 'never',
    meaning: 'The nodes left out can form the old cluster’s quorum by themselves and serve it.',
    cure: 'Bring some of them back; or, if they are gone for good, name them with --destroyed, which a second person approves.',
  },
  LEFT_OUT_REACHES_NEW: {
    class: 'with-reason',
    meaning:
      'API servers are told of members on other nodes: one that is left out could write to the new store.',
    cure: 'Make sure that the API servers of the nodes left out cannot reach the others’ etcd, and override with that as the reason.',
  },
  NODE_SET_ASIDE: {
    class: 'never',
    meaning: 'The node was left out of a restore and has not been re-joined since.',
    cure: 'Bring it back with `lockstep node rejoin NODE`, or plan with --without NODE.',
  },
  APPROVAL_MISSING: {
    class: 'never',
    meaning: 'The plan needs the approval of a second person, and has none.',
    cure: 'Have another operator look at it and run `lockstep restore approve OPERATION`.',
  },
  APPROVAL_BY_PLANNER: {
    class: 'never',
    meaning: 'Whoever made a plan cannot be its second person.',
    cure: 'Have an operator with an identity of their own run `lockstep restore approve OPERATION`.',
  },
  REJOIN_NOT_SET_ASIDE: {
    class: 'never',
    meaning: 'Only a node that was left out of a restore and set aside can be re-joined.',
    cure: 'Wait until `lockstep node show NODE` says that it is set aside; a host that was wiped joins with kubeadm.',
  },
  REJOIN_UNHEALTHY: {
    class: 'never',
    meaning: 'A member of the cluster does not serve: its membership is not changed in that state.',
    cure: 'Bring that member back first, then plan again.',
  },
  REJOIN_MISMATCH: {
    class: 'never',
    meaning: 'The node does not fit the cluster that it is to join.',
    cure: 'Make versions, CAs and keys the same as on the other nodes, then plan again.',
  },
  REVERT_IMPOSSIBLE: {
    class: 'never',
    meaning:
      'The operation put no other store in the place of the old one, so there is nothing to take back.',
    cure: 'See how it ended with `lockstep restore report OPERATION`; only one that ended as restored can be reverted.',
  },
  KEPT_MISSING: {
    class: 'never',
    meaning: 'The old store that an operation kept is not where it was kept, or was purged.',
    cure: 'Look at the path in the message; restore a snapshot of that time if there is one.',
  },
  KEPT_BEHIND_LOG: {
    class: 'with-reason',
    meaning: 'The log of the kept store holds entries that its database does not.',
    cure: 'Count on the last moments before the old store was stopped being lost.',
  },
  PLAN_EXPIRED: {
    class: 'never',
    meaning: 'The plan is older than its expiry.',
    cure: 'Plan again with `lockstep restore plan` and run the new plan.',
  },
  PLAN_DRIFTED: {
    class: 'never',
    meaning: 'Something that the plan rests on has changed since.',
    cure: 'See what changed, then plan again.',
  },
  PLAN_NOT_FOUND: {
    class: 'never',
    meaning: 'This coordinator has no such plan.',
    cure: 'Plan again with `lockstep restore plan`.',
  },
  CONFIRMATION_MISMATCH: {
    class: 'never',
    meaning: 'The name given with --confirm is not the cluster of the plan.',
    cure: 'Give --confirm with the name of the cluster that the plan shows.',
  },
  OPERATION_IN_PROGRESS: {
    class: 'never',
    meaning: 'Another operation is open on this cluster.',
    cure: 'Watch it with `lockstep restore watch`, or end it with `lockstep restore resume` or `abort`.',
  },
} satisfies Record<string, ErrorEntry>;

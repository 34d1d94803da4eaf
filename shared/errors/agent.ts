import type { ErrorEntry } from './entry.ts';

/** Said by an agent about its node. */
export const agentErrors = {
  EPOCH_STALE: {
    class: 'never',
    meaning: 'The agent has promised a higher epoch, or another coordinator.',
    cure: 'Let the coordinator that holds the promise go on; `lockstep node show` names it.',
  },
  EFFECT_IN_FLIGHT: {
    class: 'never',
    meaning: 'The agent is in the middle of an effect and promises nothing until it has ended.',
    cure: 'Wait and try again; the coordinator does so by itself.',
  },
  LEDGER_STRANGER: {
    class: 'never',
    meaning: 'The agent’s ledger is not the one that the plan names: it was lost or replaced.',
    cure: 'Plan again; if an operation is open, see `lockstep explain LEDGER_STRANGER` and undo by UNDO.txt.',
  },
  LEDGER_UNREADABLE: {
    class: 'fault',
    meaning: 'The agent’s ledger cannot be read or written.',
    cure: 'Check the disk under the agent’s state directory; the agent does nothing until the ledger answers.',
  },
  PLAN_UNKNOWN: {
    class: 'never',
    meaning: 'The agent holds no plan of that digest for that operation.',
    cure: 'Promise the plan first; the coordinator does so by itself.',
  },
  STEP_OUT_OF_ORDER: {
    class: 'never',
    meaning: 'The step does not follow from what the ledger says was done.',
    cure: 'Let the coordinator read the ledgers and go on: `lockstep restore resume`.',
  },
  ALREADY_COMMITTED: {
    class: 'never',
    meaning: 'The operation is committed on this agent: there is no undo from here.',
    cure: 'Go forward with `lockstep restore resume`; going back is an operation of its own.',
  },
  NOT_COMMITTED: {
    class: 'never',
    meaning: 'The operation is not committed on this agent, so no API server may return.',
    cure: 'Commit first; the coordinator does so by itself.',
  },
  ALREADY_UNDONE: {
    class: 'never',
    meaning: 'The operation was undone on this agent: OLD is in place.',
    cure: 'Plan again if the restore is still wanted.',
  },
  EXECUTOR_BUSY: {
    class: 'fault',
    meaning: 'Another process holds the executor lock of this node.',
    cure: 'See which with `lockstep-agent status --local`; one agent per node.',
  },
  STOP_UNPROVEN: {
    class: 'fault',
    meaning: 'It could not be proven that a component has stopped; "cannot tell" is not "stopped".',
    cure: 'Read which signal disagrees, stop that process on the node, then resume or abort.',
  },
  MANIFEST_CONFLICT: {
    class: 'fault',
    meaning:
      'Two manifests of one component that differ: in kubelet’s directory and where the operation parked its own.',
    cure: 'Find out who wrote the one in kubelet’s directory, move it away, then resume.',
  },
  KUBELET_HOLD_FAILED: {
    class: 'fault',
    meaning: 'The service manager did not take, or does not show, the condition that keeps kubelet stopped.',
    cure: 'Check `systemctl show kubelet` on that node for drop-ins and NeedDaemonReload.',
  },
  UNIT_HOLD_FAILED: {
    class: 'fault',
    meaning:
      'The service manager did not take, or does not show, the condition that keeps etcd’s unit stopped.',
    cure: 'Check `systemctl show` of etcd’s unit on that node for drop-ins and NeedDaemonReload.',
  },
  SERVICE_MANAGER_FAILED: {
    class: 'fault',
    meaning: 'A call to the service manager failed or did not answer in time.',
    cure: 'Check `systemctl status` on that node.',
  },
  CONTAINER_RUNTIME_FAILED: {
    class: 'fault',
    meaning: 'The container runtime did not answer or refused a call.',
    cure: 'Check the runtime’s socket and service on that node.',
  },
  STORE_LOCKED: {
    class: 'fault',
    meaning: 'Another process holds the lock on the store: an etcd still has it open.',
    cure: 'Find the process (`/proc/locks`, the inode is in the message) and stop it.',
  },
  STORE_NOT_AS_RECORDED: {
    class: 'fault',
    meaning: 'The data directory is neither OLD nor NEW as the ledger recorded them.',
    cure: 'Touch nothing; compare the inodes in the message with what lies there, and follow UNDO.txt.',
  },
  EXCHANGE_FAILED: {
    class: 'fault',
    meaning: 'The kernel refused to exchange the two directories.',
    cure: 'Both must lie on one filesystem that supports RENAME_EXCHANGE (ext4, xfs, btrfs).',
  },
  PATH_NOT_ALLOWED: {
    class: 'fault',
    meaning: 'A path is outside the agent’s allow-list, or a symbolic link leads out of the host root.',
    cure: 'Correct the manifest or the agent’s configuration; the agent follows no such path.',
  },
  BUILD_FAILED: {
    class: 'fault',
    meaning: 'etcdutl could not build the new store.',
    cure: 'Read etcdutl’s own words in the causes.',
  },
  BUILD_CONTENT_DIFFERS: {
    class: 'fault',
    meaning: 'The store that was built does not hold exactly what the snapshot holds.',
    cure: 'Do not use it. Report this with the agent’s log and the snapshot; OLD was not touched.',
  },
  PULL_FAILED: {
    class: 'fault',
    meaning: 'The snapshot could not be pulled from any of the plan’s sources.',
    cure: 'Check that the source agents are reachable from this node.',
  },
  SAVE_FAILED: {
    class: 'fault',
    meaning: 'The snapshot could not be taken or proven; the partial file was removed.',
    cure: 'Read the causes; try another member with --node.',
  },
  ETCD_UNREACHABLE: {
    class: 'fault',
    meaning: 'The member did not answer within the deadline.',
    cure: 'Check the member’s own log.',
  },
  ETCD_REFUSED: {
    class: 'fault',
    meaning: 'The member answered a call with an error.',
    cure: 'Read etcd’s own words in the causes, and the member’s log.',
  },
  API_NOT_READY: {
    class: 'fault',
    meaning: 'The API server did not become ready within the deadline.',
    cure: 'Check the API server’s own log; then `lockstep restore resume`.',
  },
  BASELINE_NOT_BACK: {
    class: 'fault',
    meaning: 'OLD is in place but does not serve as its recorded baseline says.',
    cure: 'Check etcd’s log on each node; UNDO.txt in the operation’s directory has the manual steps.',
  },
  SYNC_FAILED: {
    class: 'fault',
    meaning: 'The disk failed to sync a write. What it holds is not known.',
    cure: 'Treat the disk as failing: do not retry on it.',
  },
  MEMBER_SERVES: {
    class: 'fault',
    meaning: 'The member serves: its files change while they would be copied.',
    cure: 'Leave out --offline: etcd itself sends a snapshot of a member that serves.',
  },
  CLOCK_WENT_BACK: {
    class: 'fault',
    meaning: 'The clock of the node is behind its newest snapshot: it was wrong then, or is now.',
    cure: 'Set the clock. If it was ahead when the snapshot was taken, delete that snapshot.',
  },
  DISK_FULL: {
    class: 'fault',
    meaning: 'The disk is full.',
    cure: 'Free space under the path that the message names.',
  },
} satisfies Record<string, ErrorEntry>;

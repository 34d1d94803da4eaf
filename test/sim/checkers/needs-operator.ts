import type { FaultKind } from '../world/faults.ts';

/** A state in which it is right to end `needs-operator`. Any other is a defect. */
export interface Circumstance {
  readonly name: string;
  /** The code that the operation ends with. */
  readonly codes: readonly string[];
  readonly when: string;
  /** Why no program may decide it. */
  readonly why: string;
  /** Faults that can bring it about: without any of them in the run it is a defect. */
  readonly from: readonly FaultKind[];
}

/** A node, its agent or its network was gone for long enough. */
const ABSENCE = [
  'agent-crash',
  'agent-pause',
  'crash-before-effect',
  'crash-after-effect',
  'crash-before-sync',
  'crash-after-sync',
  'crash-before-record',
  'crash-after-record',
  'crash-before-ack',
  'crash-after-ack',
  'message-lost',
  'answer-lost',
  'message-late',
  'messages-reordered',
  'partition',
  'partition-one-sided',
  'power-loss',
  'power-loss-all',
  'reboot',
] as const satisfies readonly FaultKind[];

/** A node answered, and could not do what it was asked. */
const INABILITY = [
  'disk-full',
  'disk-error',
  'disk-read-only',
  'sync-failed',
  'kubelet-dead',
  'kubelet-slow',
  'kubelet-paused',
  'kubelet-restarted',
  'outside-etcd',
  'etcd-crash',
] as const satisfies readonly FaultKind[];

const FORGETTING = ['ledger-lost', 'ledger-rewound'] as const satisfies readonly FaultKind[];

/** Every one of them, and no other. Quoted by docs/promises.md. */
export const CIRCUMSTANCES: readonly Circumstance[] = [
  {
    name: 'undo-without-quorum',
    codes: ['UNDO_WITHOUT_QUORUM'],
    when: 'Undo has begun, and for ten minutes so many nodes have not answered that the others are not OLD’s quorum; before the fence, nobody has answered who took part.',
    why: 'The absent may run NEW and be its quorum: to start OLD beside them would be two clusters. Before the fence another coordinator may have gone on with them.',
    from: ABSENCE,
  },
  {
    name: 'undo-failed',
    codes: ['UNDO_FAILED'],
    when: 'A node answers and cannot be brought back to OLD: an undo step failed four times, or did not end in ten minutes.',
    why: 'A disk, a kubelet or a hand on the node resists; repeating it by itself would loop.',
    from: [...INABILITY, ...FORGETTING, ...ABSENCE],
  },
  {
    name: 'absent-may-have-committed',
    codes: ['NODE_UNREACHABLE'],
    when: 'A node that may have committed has not answered for ten minutes.',
    why: 'If it has committed, undo would lose writes; if not, going on without it would.',
    from: ABSENCE,
  },
  {
    name: 'left-behind',
    codes: ['FORWARD_FAILED'],
    when: 'All have committed, and a node could not be brought up whole.',
    why: 'There is no way back from a commit; the others serve, and the node needs a look.',
    from: [...INABILITY, ...ABSENCE, ...FORGETTING],
  },
  {
    name: 'ledgers-disagree',
    codes: ['LEDGERS_DISAGREE'],
    when: 'One ledger says committed and another says undone.',
    why: 'It cannot come about unless a ledger was lost or rewound; either direction may lose writes.',
    from: FORGETTING,
  },
  {
    name: 'ledger-stranger',
    codes: ['LEDGER_STRANGER'],
    when: 'A node has committed, and the ledger of another knows nothing of the operation.',
    why: 'Whether that node had committed is lost with its ledger.',
    from: FORGETTING,
  },
  {
    name: 'commit-impossible',
    codes: ['STEP_TIMED_OUT', 'DISK_FULL', 'STEP_OUT_OF_ORDER', 'ALREADY_UNDONE', 'PLAN_UNKNOWN'],
    when: 'Commit was sent, and a node that answers cannot record it, in five rounds.',
    why: 'Others may have committed, so there is no way back; this one cannot go forward.',
    from: [...INABILITY, ...FORGETTING, ...ABSENCE],
  },
];

export function circumstanceOf(code: string): Circumstance | undefined {
  return CIRCUMSTANCES.find((each) => each.codes.includes(code));
}

/** `kinds`: the faults that took place. Why this end is no right one; undefined where it is. */
export function wronglyNeedsOperator(code: string, kinds: ReadonlySet<FaultKind>): string | undefined {
  const circumstance = circumstanceOf(code);
  if (circumstance === undefined) return `${code} is in no circumstance in which a person is needed`;
  if (circumstance.from.some((kind) => kinds.has(kind))) return undefined;
  return `${code} came of ${kinds.size === 0 ? 'no fault' : [...kinds].join(', ')}`;
}

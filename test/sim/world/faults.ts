import type { SimPhase } from './sim-phase.ts';

/** Everything that can go wrong. The names are those of the coverage table. */
export const FAULT_KINDS = [
  'crash-before-effect',
  'crash-after-effect',
  'crash-before-sync',
  'crash-after-sync',
  'crash-before-record',
  'crash-after-record',
  'crash-before-ack',
  'crash-after-ack',
  'agent-crash',
  'agent-pause',
  'coordinator-crash',
  'coordinator-pause',
  'two-leaders',
  'promise-in-flight',
  'message-lost',
  'answer-lost',
  'message-late',
  'message-twice',
  'answer-twice',
  'messages-reordered',
  'partition',
  'partition-one-sided',
  'power-loss',
  'power-loss-all',
  'reboot',
  'disk-full',
  'disk-error',
  'disk-read-only',
  'sync-failed',
  'journal-lost',
  'journal-rewound',
  'ledger-lost',
  'ledger-rewound',
  'clock-jump',
  'kubelet-dead',
  'kubelet-slow',
  'kubelet-paused',
  'kubelet-restarted',
  'outside-manifest',
  'outside-etcd',
  'etcd-crash',
  'operator-abort',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** The phases in which faults are placed: all that a coordinator publishes. */
export interface Fault {
  readonly kind: FaultKind;
  /** Armed once this phase has been entered... */
  readonly phase: SimPhase;
  /** ...and this many events have passed since. One that is bound to a point fires at the next of it. */
  readonly after: number;
  /** Index of a node or a coordinator, by what the kind is about. */
  readonly target: number;
  /** Draws what else the fault needs: how long, which of several. */
  readonly draw: number;
}

export type FaultScript = readonly Fault[];

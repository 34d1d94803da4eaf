import type {
  ObserveMemberResponse,
  ReadLedgerResponse,
  Step,
  StepProgress,
  StepResult,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Epoch, Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';

/** What can be asked of an agent in an operation. */
export type Ask =
  | { readonly kind: 'promise'; readonly epoch: Epoch }
  | { readonly kind: 'execute'; readonly epoch: Epoch; readonly step: Step; readonly timeoutMs: number }
  | { readonly kind: 'commit'; readonly epoch: Epoch }
  | { readonly kind: 'observe'; readonly hashRevision: bigint }
  | { readonly kind: 'read-ledger' };

/** What an agent answered; the kind is that of the question. */
export type Answer =
  | { readonly kind: 'promise' }
  | { readonly kind: 'execute'; readonly result: StepResult }
  | { readonly kind: 'commit' }
  | { readonly kind: 'observe'; readonly member: ObserveMemberResponse }
  | { readonly kind: 'read-ledger'; readonly ledger: ReadLedgerResponse };

/** What happens to an operation. Time comes with it: the core has no clock. */
export type TransitionEvent =
  | { readonly kind: 'started'; readonly atMs: number }
  | { readonly kind: 'answered'; readonly call: number; readonly answer: Answer; readonly atMs: number }
  | { readonly kind: 'failed'; readonly call: number; readonly failure: Failure; readonly atMs: number }
  /** An agent says how far it is; changes nothing but what a watcher sees. */
  | {
      readonly kind: 'progressed';
      readonly call: number;
      readonly progress: StepProgress;
      readonly atMs: number;
    }
  /** Something beside the operation that a watcher should know. */
  | { readonly kind: 'noticed'; readonly code: string; readonly message: string; readonly atMs: number }
  | { readonly kind: 'timer'; readonly timer: number; readonly atMs: number }
  /** An operator asks for undo; whether it may still be asked for is the caller's to check with `mayAbort`. */
  | { readonly kind: 'abort'; readonly failure: Failure; readonly atMs: number };

/** An event of the operation, without what every one of them has. */
export type EventBody = NonNullable<OperationEvent['event']>;

/** What the runner does next, in this order. */
export type Effect =
  | {
      readonly kind: 'call';
      readonly call: number;
      readonly node: string;
      readonly ask: Ask;
      /** The answer is `failed` with UNREACHABLE by then. */
      readonly deadlineMs: number;
    }
  /** The answer is no longer wanted. What the agent has begun it may still end. */
  | { readonly kind: 'cancel-call'; readonly call: number }
  | { readonly kind: 'set-timer'; readonly timer: number; readonly afterMs: number }
  | { readonly kind: 'clear-timer'; readonly timer: number }
  | { readonly kind: 'publish'; readonly event: OperationEvent };

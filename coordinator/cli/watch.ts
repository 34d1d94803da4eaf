import { setTimeout as delay } from 'node:timers/promises';
import type { ErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import {
  type GetOperationResponse,
  OperatorServiceService,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { Answer } from './answer.ts';
import { type Coordinator, WAIT_MS } from './coordinator.ts';
import { EXIT, exitOfOutcome } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';
import { advance, emptyProgress, isNews, type Progress } from './progress.ts';
import { type ProgressDisplay, progressDisplay } from './progress-display.ts';
import { operationReport, operationStatus } from './render/operations.ts';
import { command } from './render/plan.ts';
import { outcomeWord } from './render/words.ts';
import { operationView, reportView } from './views/operations.ts';

const RETRY_EVERY_MS = 1_000;

/**
 * Follows an operation to its end, through restarts of the coordinator, and answers with its
 * report. Ctrl-C detaches: the operation goes on. Throws UNREACHABLE where the coordinator stays
 * away, because then the outcome is not known.
 */
export async function watchOperation(
  invocation: Invocation,
  coordinator: Coordinator,
  operationId: string,
  retryForMs: number,
): Promise<Answer> {
  invocation.operationId = operationId;
  const get = (): Promise<GetOperationResponse> =>
    patiently(invocation, retryForMs, ['UNREACHABLE'], complainBeside(invocation), () =>
      getOperation(coordinator, operationId),
    );
  try {
    await follow(invocation, coordinator, await get(), operationId, retryForMs);
    return endAnswer(await get());
  } catch (thrown) {
    if (invocation.signal.aborted) return detached(operationId);
    throw thrown;
  }
}

function getOperation(coordinator: Coordinator, operationId: string): Promise<GetOperationResponse> {
  return coordinator.call(OperatorServiceService.getOperation, { operationId }, WAIT_MS.known);
}

function isOver({ operation }: GetOperationResponse): boolean {
  return operation !== undefined && operation.outcome !== Outcome.OUTCOME_UNSPECIFIED;
}

async function follow(
  invocation: Invocation,
  coordinator: Coordinator,
  { plan }: GetOperationResponse,
  operationId: string,
  retryForMs: number,
): Promise<void> {
  using display = progressDisplay(invocation, {
    operationId,
    cluster: plan?.cluster ?? coordinator.context.cluster,
    snapshotId: plan?.snapshot?.id ?? '',
    expectedOutageMs: Number(plan?.expectedOutageMs ?? 0n),
    maxOutageMs: Number(plan?.maxOutageMs ?? 0n),
  });
  let progress = emptyProgress((plan?.nodes ?? []).map(({ node }) => node).sort());
  const complain = (words: string): void => display.trouble(words);
  await patiently(invocation, retryForMs, AWAY_CODES, complain, async (heard) => {
    const events = coordinator.stream(OperatorServiceService.watchOperation, {
      operationId,
      fromSequence: 0n,
    });
    for await (const { event } of events) {
      heard();
      if (event === undefined || !isNews(progress, event)) continue;
      progress = show(display, progress, event);
      // The end of an earlier run, where the operation has been resumed since, is not the end.
      if (progress.ended !== undefined && isOver(await getOperation(coordinator, operationId))) return;
    }
    // The stream ended before the operation did, as when the coordinator shuts down.
    if (!isOver(await getOperation(coordinator, operationId))) throw gone(coordinator);
  });
}

/**
 * One that has just restarted may not have found the operation in the ledgers yet; one that leads
 * no more names who does, and that one is asked next.
 */
const AWAY_CODES = ['UNREACHABLE', 'OPERATION_NOT_FOUND', 'NOT_LEADER'] as const;

/** Before there is a display: to people, beside the answer. */
function complainBeside({ terminal, output }: Invocation): (words: string) => void {
  return (words) => {
    if (words !== '' && output !== 'json') terminal.err(`${words}\n`);
  };
}

function show(display: ProgressDisplay, before: Progress, event: Parameters<typeof advance>[1]): Progress {
  const after = advance(before, event);
  display.event(before, after, event);
  return after;
}

function gone(coordinator: Coordinator): LockstepError {
  return new LockstepError('UNREACHABLE', { message: `${coordinator.address} ended the watch.` });
}

const AWAY = 'The coordinator does not answer; the agents keep what is promised. Trying on.';

/** Tries again while the coordinator is away, at most `forMs` since it was last heard. */
async function patiently<Value>(
  { terminal, signal }: Invocation,
  forMs: number,
  transient: readonly ErrorCode[],
  complain: (words: string) => void,
  attempt: (heard: () => void) => Promise<Value>,
): Promise<Value> {
  let heardMs = terminal.nowMs();
  let complained = false;
  const heard = (): void => {
    heardMs = terminal.nowMs();
    if (complained) complain('');
    complained = false;
  };
  for (;;) {
    try {
      return await attempt(heard);
    } catch (thrown) {
      const away = thrown instanceof LockstepError && transient.includes(thrown.code);
      if (!away || signal.aborted || heardMs + forMs <= terminal.nowMs()) throw thrown;
      if (!complained) complain(AWAY);
      complained = true;
      await delay(RETRY_EVERY_MS, undefined, { signal });
    }
  }
}

/** An operation that has ended, or stands, with its report. */
export function endAnswer({ operation, plan, report }: GetOperationResponse): Answer {
  if (operation === undefined) throw new LockstepError('OPERATION_NOT_FOUND', {});
  const outcome = outcomeWord(operation.outcome);
  return {
    data: {
      operation: operationView(operation),
      ...(report === undefined ? {} : { report: reportView(report) }),
    },
    names: [operation.operationId],
    outcome,
    code: operation.failure?.code ?? (outcome === 'restored' ? 'OK' : ''),
    operationId: operation.operationId,
    exit: exitOfOutcome(outcome),
    render: (layout) =>
      report === undefined
        ? operationStatus(layout, operation, Number(operation.endedMs))
        : operationReport(layout, { operation, plan, report }),
  };
}

function detached(operationId: string): Answer {
  return {
    data: {},
    names: [operationId],
    outcome: 'detached',
    code: '',
    operationId,
    exit: EXIT.detached,
    render: (layout) => [
      '',
      'Detached; the operation goes on. Watch it with',
      ...command(layout, `lockstep restore watch ${operationId}`),
    ],
  };
}

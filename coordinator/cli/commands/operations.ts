import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { type Operation, OperatorServiceService } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { Answer } from '../answer.ts';
import { type Coordinator, WAIT_MS } from '../coordinator.ts';
import { exitOfOutcome } from '../exit-codes.ts';
import { type Invocation, withCoordinator } from '../invocation.ts';
import { operationList, operationStatus } from '../render/operations.ts';
import { outcomeWord } from '../render/words.ts';
import { operationView } from '../views/operations.ts';
import { endAnswer, watchOperation } from '../watch.ts';

export async function listOperations(invocation: Invocation): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const { operations } = await coordinator.call(OperatorServiceService.listOperations, {});
    const latest = operations.toSorted((a, b) => Number(b.startedMs - a.startedMs));
    return {
      data: { operations: latest.map(operationView) },
      names: latest.map(({ operationId }) => operationId),
      render: (layout) => operationList(layout, latest, invocation.terminal.nowMs()),
    };
  });
}

/** Without an id the latest, everywhere below. */
export async function showStatus(invocation: Invocation, operationId = ''): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) =>
    statusAnswer(invocation, await known(coordinator, operationId)),
  );
}

export async function showReport(invocation: Invocation, operationId = ''): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) =>
    endAnswer(await coordinator.call(OperatorServiceService.getOperation, { operationId })),
  );
}

export async function watch(
  invocation: Invocation,
  operationId: string | undefined,
  retryForMs: number,
): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const id = operationId ?? (await known(coordinator, '')).operationId;
    return await watchOperation(invocation, coordinator, id, retryForMs);
  });
}

export interface FollowOptions {
  readonly detach?: boolean;
  readonly retryFor: number;
}

export async function resume(
  invocation: Invocation,
  operationId: string | undefined,
  options: FollowOptions,
): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const id = operationId ?? (await known(coordinator, '')).operationId;
    invocation.operationId = id;
    const { operation } = await coordinator.call(
      OperatorServiceService.resumeOperation,
      { operationId: id },
      WAIT_MS.nodes,
    );
    return await followed(invocation, coordinator, operation, id, options);
  });
}

export async function abort(
  invocation: Invocation,
  operationId: string,
  options: FollowOptions & { readonly reason?: string },
): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    invocation.operationId = operationId;
    const { operation } = await coordinator.call(
      OperatorServiceService.abortOperation,
      { operationId, reason: options.reason ?? '' },
      WAIT_MS.nodes,
    );
    return await followed(invocation, coordinator, operation, operationId, options);
  });
}

async function followed(
  invocation: Invocation,
  coordinator: Coordinator,
  operation: Operation | undefined,
  operationId: string,
  { detach, retryFor }: FollowOptions,
): Promise<Answer> {
  if (detach === true && operation !== undefined) return statusAnswer(invocation, operation);
  return await watchOperation(invocation, coordinator, operationId, retryFor);
}

async function known(coordinator: Coordinator, operationId: string): Promise<Operation> {
  const { operation } = await coordinator.call(OperatorServiceService.getOperation, { operationId });
  if (operation === undefined) {
    throw new LockstepError('OPERATION_NOT_FOUND', {
      message:
        operationId === '' ? 'There is no operation yet.' : `${operationId} is a plan that was not run.`,
    });
  }
  return operation;
}

function statusAnswer({ terminal }: Invocation, operation: Operation): Answer {
  const outcome = outcomeWord(operation.outcome);
  return {
    data: { operation: operationView(operation) },
    names: [operation.operationId],
    outcome,
    code: operation.failure?.code ?? (outcome === 'restored' ? 'OK' : ''),
    operationId: operation.operationId,
    exit: exitOfOutcome(outcome),
    render: (layout) => operationStatus(layout, operation, terminal.nowMs()),
  };
}

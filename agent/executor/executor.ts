import { sha256Hex } from '@lockstep/shared/digest.ts';
import { asLockstepError, LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import {
  type CommitRequest,
  type CommitResponse,
  type ExecuteRequest,
  type ExecuteResponse,
  OperationState,
  type PromiseRequest,
  type PromiseResponse,
  StepResult,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { takesStep } from '@lockstep/shared/plan/part.ts';
import { epochText } from '../core/epoch.ts';
import {
  type FenceState,
  judgeCommand,
  judgeCommit,
  judgePromise,
  type OfferedPlan,
  unended,
} from '../core/fence.ts';
import { isRunnable, type OperationPhase, type RunnableStep, STEP_NAMES } from '../core/operation.ts';
import { nodePaths, operationPaths, plannedComponents } from '../core/paths.ts';
import { judgeKind, judgeStep, type Takes } from '../core/steps.ts';
import type { Refused } from '../core/verdict.ts';
import { type OperationLedger, type OperationRecord, viewOf } from '../ledger/records.ts';
import type { Component } from '../ports.ts';
import { recordedResult } from './answer.ts';
import { EffectSlot } from './effect-slot.ts';
import type { Handlers } from './handlers.ts';
import { type NodeContext, required, type StepContext, type StepPorts } from './step.ts';
import { ProgressSlot, streamStep } from './step-stream.ts';

/** A command that meets an effect that is just ending waits for it this long. */
const PATIENCE_MS = 3_000;
/** What a step gets that names no deadline. */
const DEFAULT_STEP_TIMEOUT_MS = 120_000;

export interface ExecutorSettings {
  readonly node: string;
  readonly cluster: string;
  /** Host path. */
  readonly stateDir: string;
  readonly ledger: OperationLedger;
  readonly ports: StepPorts;
  readonly handlers: Handlers;
  readonly logger: Logger;
}

type PlannedPart = Pick<NodeContext, 'plan' | 'nodePlan' | 'snapshot' | 'paths' | 'components'>;

type PlannedMember = PlannedPart & Pick<StepContext, 'memberPlan' | 'paths'>;

interface DecodedPlan {
  readonly sha256: string;
  readonly plan: RestorePlan;
  part?: PlannedPart;
}

/** What a command is run under; a person on the node has no epoch of his own. */
interface Command {
  readonly caller: string;
  readonly epoch: Epoch;
}

/**
 * The one runner of steps on this node: holds every command against the fence and the order of
 * steps, records the intent before and the completion after each effect, one effect at a time.
 */
export class Executor {
  readonly #settings: ExecutorSettings;
  readonly #slot: EffectSlot;
  /** The plan decoded last, and this node's part of it: every step of an operation looks at the same one. */
  #decoded: DecodedPlan | undefined;

  constructor(settings: ExecutorSettings) {
    this.#settings = settings;
    this.#slot = new EffectSlot(settings.ports.clock);
  }

  /** Throws the fence's refusals: EPOCH_STALE, EFFECT_IN_FLIGHT, OPERATION_IN_PROGRESS, … */
  async promise(request: PromiseRequest, caller: string): Promise<PromiseResponse> {
    const epoch = this.#requiredEpoch(request.epoch);
    return this.#audited('Promise', caller, request.operationId, epoch, async () => {
      using slot = await this.#slot.acquire(PATIENCE_MS);
      const { ledger, cluster, logger } = this.#settings;
      const held = ledger.operation(request.operationId);
      const heldView = held === undefined ? undefined : viewOf(held);
      const offered = request.plan.length === 0 ? undefined : this.#offered(request.plan);
      const verdict = judgePromise(this.#fence(slot === undefined), cluster, heldView, {
        epoch,
        operationId: request.operationId,
        ledgerId: request.ledgerId,
        plan: offered,
      });
      if (verdict.kind === 'refused') throw this.#refusal(verdict);
      if (verdict.kind === 'promise') {
        if (verdict.openPlan && offered !== undefined) this.#requireDoable(request.plan, offered);
        ledger.recordPromise(epoch, request.operationId, verdict.openPlan ? request.plan : undefined);
        logger.info({ operationId: request.operationId, epoch: epochText(epoch) }, 'epoch promised');
      }
      return { promised: epoch, state: STATES[held?.phase ?? 'open'] };
    });
  }

  /**
   * Throws the fence's refusals, with nothing done. A step that was begun and failed ends the
   * stream with a result that carries the failure.
   */
  async *execute(
    request: ExecuteRequest,
    caller: string,
    signal: AbortSignal,
  ): AsyncGenerator<ExecuteResponse, void, undefined> {
    const epoch = this.#requiredEpoch(request.epoch);
    const step = request.step;
    if (!isRunnable(step)) {
      throw new LockstepError('STEP_OUT_OF_ORDER', { message: `There is no step ${step}.` });
    }
    const name = STEP_NAMES[step];
    const timeoutMs = request.timeoutMs === 0n ? DEFAULT_STEP_TIMEOUT_MS : Number(request.timeoutMs);
    const { clock } = this.#settings.ports;
    const limited = clock.deadline(timeoutMs, signal);
    const progress = new ProgressSlot(clock);
    let began: (() => void) | undefined;
    const admitted = new Promise<void>((resolve) => {
      began = resolve;
    });
    const running = this.#audited(`Execute ${name}`, caller, request.operationId, epoch, async () => {
      using slot = await this.#slot.acquire(PATIENCE_MS);
      if (slot === undefined) throw this.#inFlight();
      const record = this.#obeyed({ ...request, epoch });
      const verdict = judgeStep(viewOf(record), step, this.#takes(record));
      if (verdict.kind === 'refused') throw this.#refusal(verdict);
      began?.();
      if (verdict.kind === 'answer') return recordedResult(record.effects, step);
      // Awaited here: the slot is given back when this block is left.
      return await this.#run(record, step, { caller, epoch }, progress, limited);
    });
    // A refusal is the call's own error; what fails after that is the step's result.
    await Promise.race([admitted, running]);
    const node = this.#settings.node;
    const settled = running.catch((error: unknown) => {
      const named =
        isTimeout(limited) && !(error instanceof LockstepError)
          ? new LockstepError('STEP_TIMED_OUT', {
              node,
              message: `${name} on ${node} did not end within ${timeoutMs} ms.`,
              cause: error,
            })
          : error;
      return StepResult.fromPartial({ failure: toFailure(named, node) });
    });
    yield* streamStep(settled, progress, { signal: limited, node, what: name, clock });
  }

  /** Records durably that NEW it is. */
  async commit(request: CommitRequest, caller: string): Promise<CommitResponse> {
    const epoch = this.#requiredEpoch(request.epoch);
    return this.#audited('Commit', caller, request.operationId, epoch, async () => {
      using slot = await this.#slot.acquire(PATIENCE_MS);
      if (slot === undefined) throw this.#inFlight();
      const record = this.#obeyed({ ...request, epoch });
      const verdict = judgeCommit(viewOf(record), this.#takes(record));
      if (verdict.kind === 'refused') throw this.#refusal(verdict);
      if (verdict.kind === 'repeat') return { state: STATES[record.phase] };
      this.#settings.ledger.recordCommit(record.operationId, epoch);
      this.#settings.logger.info({ operationId: record.operationId }, 'committed');
      return { state: OperationState.OPERATION_STATE_COMMITTED };
    });
  }

  /**
   * An undo step by a person on the node, with nobody's promise: the executor lock is his fence.
   * Refused after commit, like any undo.
   */
  async undoLocally(
    step: RunnableStep,
    caller: string,
    progress: ProgressSlot,
    signal: AbortSignal,
  ): Promise<StepResult> {
    const { ledger } = this.#settings;
    const record = ledger.openOperation() ?? ledger.latestOperation();
    if (record === undefined) {
      throw new LockstepError('OPERATION_NOT_FOUND', { message: 'This node’s ledger holds no operation.' });
    }
    const epoch = ledger.promised() ?? { number: 0n, coordinatorId: '' };
    return this.#audited(`Execute ${STEP_NAMES[step]}`, caller, record.operationId, epoch, async () => {
      using slot = await this.#slot.acquire(0);
      if (slot === undefined) throw this.#inFlight();
      const verdict = judgeStep(viewOf(record), step, this.#takes(record));
      if (verdict.kind === 'refused') throw this.#refusal(verdict);
      if (verdict.kind === 'answer') return recordedResult(record.effects, step);
      return await this.#run(record, step, { caller, epoch }, progress, signal);
    });
  }

  /**
   * Does something beside every step while none is in flight and none can be promised, so that
   * what it finds in the ledger stays true. Throws EFFECT_IN_FLIGHT.
   */
  async besideSteps<Result>(body: () => Promise<Result>): Promise<Result> {
    using slot = await this.#slot.acquire(PATIENCE_MS);
    if (slot === undefined) throw this.#inFlight();
    return await body();
  }

  /** Resolves once no effect is in flight, for a graceful stop. */
  async idle(patienceMs: number): Promise<void> {
    using _slot = await this.#slot.acquire(patienceMs);
  }

  async #run(
    record: OperationRecord,
    step: RunnableStep,
    command: Command,
    progress: ProgressSlot,
    signal: AbortSignal,
  ): Promise<StepResult> {
    const { ledger, handlers, ports } = this.#settings;
    const name = STEP_NAMES[step];
    const fits = judgeKind(this.#decode(record.planSha256, record.plan).plan.kind, step);
    if (fits.kind === 'refused') throw this.#refusal(fits);
    const handler = handlers[step];
    const context = this.#context(record, name, command, progress);
    const startedMs = ports.clock.monotonicMs();
    const intent = (await handler.prepare?.(context, signal)) ?? null;
    const sequence = ledger.recordIntent(record.operationId, step, command.epoch, intent);
    context.logger.info('step began');
    try {
      const { result = {}, detail } = await handler.perform(context, intent, signal);
      if (result.failure === undefined) {
        ledger.recordCompletion(
          sequence,
          detail,
          handler.ends === undefined
            ? undefined
            : { operationId: record.operationId, phase: handler.ends, epoch: command.epoch },
        );
      }
      const durationMs = Math.round(ports.clock.monotonicMs() - startedMs);
      context.logger.info({ durationMs, code: result.failure?.code }, 'step ended');
      return StepResult.fromPartial(result);
    } catch (error) {
      context.logger.error({ err: error }, 'step failed');
      throw error;
    }
  }

  #context(record: OperationRecord, name: string, command: Command, progress: ProgressSlot): StepContext {
    const { node, ports, logger } = this.#settings;
    return {
      node,
      operationId: record.operationId,
      // Whole for every step that asks for it: no other node takes such a step.
      ...(this.#partOf(record.planSha256, record.plan, record.operationId) as PlannedMember),
      effects: record.effects,
      ports,
      logger: logger.child({
        operationId: record.operationId,
        epoch: epochText(command.epoch),
        step: name,
        caller: command.caller,
      }),
      progress: (doing, doneBytes = 0n, totalBytes = 0n) => progress.put(doing, doneBytes, totalBytes),
    };
  }

  #takes({ planSha256, plan, operationId }: OperationRecord): Takes {
    const { nodePlan } = this.#partOf(planSha256, plan, operationId);
    return (step) => takesStep(nodePlan, step);
  }

  /** Whether the open operation knows of a member on this node; true where no operation is open. */
  hasMember(): boolean {
    const open = this.#settings.ledger.openOperation();
    if (open === undefined) return true;
    const { plan } = this.#decode(open.planSha256, open.plan);
    const nodePlan = plan.nodes.find(({ node }) => node === this.#settings.node);
    return nodePlan === undefined || nodePlan.etcd !== undefined;
  }

  /**
   * Components of the open operation whose manifests lie in kubelet's directory now; none where no
   * operation is open. Throws where it cannot tell.
   */
  async componentsInPlace(signal: AbortSignal): Promise<readonly Component[]> {
    const { ledger, node, ports } = this.#settings;
    const open = ledger.openOperation();
    if (open === undefined) return [];
    const { plan } = this.#decode(open.planSha256, open.plan);
    const nodePlan = plan.nodes.find((candidate) => candidate.node === node);
    return nodePlan === undefined ? [] : ports.hosting.manifestsInPlace(nodePlan, signal);
  }

  #decode(sha256: string, bytes: Uint8Array): DecodedPlan {
    if (this.#decoded?.sha256 !== sha256) this.#decoded = { sha256, plan: RestorePlan.decode(bytes) };
    return this.#decoded;
  }

  /** What could not even be undone is not opened: it would bar this node for good. Throws as #partOf. */
  #requireDoable(bytes: Uint8Array, { sha256, operationId }: OfferedPlan): void {
    const { nodePlan, paths } = this.#partOf(sha256, bytes, operationId);
    const { stores } = this.#settings.ports;
    stores.realPath(paths.operationDir);
    if (nodePlan.etcd === undefined) return;
    const { inPlace, other } = operationPaths(nodePlan, operationId, this.#settings.stateDir);
    for (const path of [inPlace, other]) stores.realPath(path);
  }

  /** What a plan says of this node. Throws PLAN_UNKNOWN, PATH_NOT_ALLOWED where no step could act on it. */
  #partOf(sha256: string, bytes: Uint8Array, operationId: string): PlannedPart {
    const { node, stateDir } = this.#settings;
    const decoded = this.#decode(sha256, bytes);
    const { plan } = decoded;
    if (decoded.part !== undefined) return decoded.part;
    const nodePlan = required(
      plan.nodes.find((candidate) => candidate.node === node),
      'part',
      node,
    );
    const part: PlannedPart = {
      plan,
      nodePlan,
      snapshot: required(plan.snapshot, 'snapshot', node),
      paths: nodePaths(nodePlan, operationId, stateDir),
      components: plannedComponents(nodePlan),
    };
    const { etcd: memberPlan } = nodePlan;
    const member: PlannedMember | undefined =
      memberPlan === undefined
        ? undefined
        : { ...part, memberPlan, paths: operationPaths(nodePlan, operationId, stateDir) };
    // Without a member there is a control plane, and no etcd that would be started over nothing.
    const { components } = part;
    if (components.length === 0 || components.includes('etcd')) required(member, 'etcd member', node);
    decoded.part = member ?? part;
    return decoded.part;
  }

  /** The operation that a command may act on. Throws EPOCH_STALE, PLAN_UNKNOWN. */
  #obeyed(command: { epoch: Epoch; operationId: string; planSha256: string }): OperationRecord {
    const record = this.#settings.ledger.operation(command.operationId);
    const verdict = judgeCommand(
      this.#fence(false),
      record === undefined ? undefined : viewOf(record),
      command,
    );
    if (verdict.kind === 'refused') throw this.#refusal(verdict);
    return record as OperationRecord;
  }

  #fence(effectInFlight: boolean): FenceState {
    const { ledger } = this.#settings;
    const open = ledger.openOperation();
    return {
      ledgerId: ledger.identity.ledgerId,
      promised: ledger.promised(),
      effectInFlight,
      open: unended(open === undefined ? undefined : viewOf(open)),
    };
  }

  #offered(bytes: Uint8Array): OfferedPlan {
    const sha256 = sha256Hex(bytes);
    let plan: RestorePlan;
    try {
      plan = this.#decode(sha256, bytes).plan;
    } catch (cause) {
      throw new LockstepError('PLAN_UNKNOWN', { message: 'The offered plan cannot be read.', cause });
    }
    return {
      sha256,
      operationId: plan.operationId,
      cluster: plan.cluster,
      ledgerId: plan.nodes.find((candidate) => candidate.node === this.#settings.node)?.ledgerId,
    };
  }

  #requiredEpoch(epoch: Epoch | undefined): Epoch {
    if (epoch !== undefined) return epoch;
    throw new LockstepError('EPOCH_STALE', {
      node: this.#settings.node,
      message: 'The command carries no epoch.',
    });
  }

  #refusal({ code, message }: Refused): LockstepError {
    return new LockstepError(code, { node: this.#settings.node, message });
  }

  #inFlight(): LockstepError {
    return new LockstepError('EFFECT_IN_FLIGHT', { node: this.#settings.node });
  }

  /** Every command leaves a line in the audit, with how it ended, before it is answered. */
  async #audited<T extends object>(
    command: string,
    caller: string,
    operationId: string,
    epoch: Epoch,
    body: () => Promise<T>,
  ): Promise<T> {
    let outcome = 'done';
    try {
      const answer = await body();
      if (answer instanceof Object && 'failure' in answer && answer.failure !== undefined) outcome = 'failed';
      return answer;
    } catch (error) {
      outcome = asLockstepError(error).code;
      throw error;
    } finally {
      this.#settings.ledger.recordAudit({ caller, command, operationId, epoch, outcome });
    }
  }
}

export const STATES: { readonly [P in OperationPhase]: OperationState } = {
  open: OperationState.OPERATION_STATE_OPEN,
  committed: OperationState.OPERATION_STATE_COMMITTED,
  undone: OperationState.OPERATION_STATE_UNDONE,
  closed: OperationState.OPERATION_STATE_CLOSED,
};

function isTimeout(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
}

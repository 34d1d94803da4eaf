import type { LedgerEffect, ReadLedgerResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { OperationState as LedgerState, Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Epoch, Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { hasMember, type PlannedPart, takesStep } from '@lockstep/shared/plan/part.ts';
import type { Answer, Ask } from '../events.ts';
import { failureOf } from '../failures.ts';

/**
 * The rules of an agent's ledger and fence, and which store runs, without anything that runs: what
 * the core needs to be driven in memory. Throws where the coordinator asks for what must never be
 * asked, so that the rules are the tests' oracle.
 */
export class ModelAgent {
  readonly node: string;
  readonly ledgerId: string;
  operationId = '';
  state: LedgerState = LedgerState.OPERATION_STATE_UNSPECIFIED;
  promised: Epoch | undefined;
  effects: LedgerEffect[] = [];
  apiStarted = false;
  running: 'old' | 'new' | 'none' = 'old';
  /** Codes to answer next, by step or kind of question. */
  readonly faults: {
    on: Step | Ask['kind'];
    code: 'DISK_FULL' | 'STOP_UNPROVEN' | 'PLAN_DRIFTED' | 'PULL_FAILED';
  }[] = [];
  private sequence = 1n;
  private readonly part: PlannedPart;

  constructor(node: string, ledgerId: string, part: PlannedPart = WHOLE) {
    this.node = node;
    this.ledgerId = ledgerId;
    this.part = part;
  }

  answer(operationId: string, ask: Ask, nowMs: number): Answer | Failure {
    const subject = ask.kind === 'execute' ? ask.step : ask.kind;
    const fault = this.faults.findIndex((each) => each.on === subject);
    const [planned] = fault < 0 ? [] : this.faults.splice(fault, 1);
    if (planned !== undefined) return failureOf(planned.code, 'a planned fault', this.node);
    switch (ask.kind) {
      case 'read-ledger':
        return { kind: 'read-ledger', ledger: this.ledger() };
      case 'observe':
        return this.observe(ask.hashRevision);
      case 'promise':
        return this.promise(operationId, ask.epoch);
      case 'commit': {
        const stale = this.stale(ask.epoch);
        if (stale !== undefined) return stale;
        if (this.undoBegun() || this.state === LedgerState.OPERATION_STATE_UNDONE) {
          return failureOf('ALREADY_UNDONE', 'undo has begun', this.node);
        }
        const last = hasMember(this.part) ? Step.STEP_START_ETCD : Step.STEP_START_KUBELET;
        if (!this.completed(last)) throw new Error('commit before etcd was started');
        if (this.state === LedgerState.OPERATION_STATE_OPEN) {
          this.state = LedgerState.OPERATION_STATE_COMMITTED;
        }
        return { kind: 'commit' };
      }
      case 'execute':
        return this.stale(ask.epoch) ?? this.execute(ask.step, ask.epoch, nowMs);
      default:
        return ask satisfies never;
    }
  }

  ledger(): ReadLedgerResponse {
    return {
      ledgerId: this.ledgerId,
      node: this.node,
      promised: this.promised,
      operationId: this.operationId,
      state: this.state,
      plan: Buffer.alloc(0),
      effects: [...this.effects],
    };
  }

  private promise(operationId: string, epoch: Epoch): Answer | Failure {
    const { promised } = this;
    const same = promised?.number === epoch.number && promised.coordinatorId === epoch.coordinatorId;
    if (promised !== undefined && !same && epoch.number <= promised.number) {
      return failureOf('EPOCH_STALE', 'a higher epoch is promised', this.node);
    }
    if (this.operationId !== '' && this.operationId !== operationId && this.isOpen()) {
      return failureOf('OPERATION_IN_PROGRESS', `${this.operationId} is open`, this.node);
    }
    this.promised = epoch;
    if (this.operationId !== operationId) {
      this.operationId = operationId;
      this.state = LedgerState.OPERATION_STATE_OPEN;
      this.effects = [];
    }
    return { kind: 'promise' };
  }

  private execute(step: Step, epoch: Epoch, nowMs: number): Answer | Failure {
    const committed =
      this.state === LedgerState.OPERATION_STATE_COMMITTED ||
      this.state === LedgerState.OPERATION_STATE_CLOSED;
    const undo = step >= Step.STEP_UNDO_STOP;
    if (!takesStep(this.part, step)) throw new Error(`step ${step} is none of ${this.node}'s`);
    if (undo && committed) throw new Error(`undo after commit on ${this.node}`);
    if (!undo && this.undoBegun()) throw new Error(`forward after undo on ${this.node}`);
    if (step === Step.STEP_START_API && !committed)
      throw new Error(`START_API before commit on ${this.node}`);
    switch (step) {
      case Step.STEP_FENCE_ETCD:
      case Step.STEP_UNDO_STOP:
        if (step === Step.STEP_FENCE_ETCD || this.running === 'new') this.running = 'none';
        break;
      case Step.STEP_START_ETCD:
        this.running = 'new';
        break;
      case Step.STEP_START_API:
        this.apiStarted = true;
        break;
      case Step.STEP_UNDO_START:
        this.running = 'old';
        break;
      case Step.STEP_UNDO_VERIFY:
        this.state = LedgerState.OPERATION_STATE_UNDONE;
        break;
      case Step.STEP_CLOSE:
        this.state = LedgerState.OPERATION_STATE_CLOSED;
        break;
      default:
        break;
    }
    this.effects.push({
      sequence: this.sequence,
      step,
      intendedMs: BigInt(nowMs),
      completedMs: BigInt(nowMs + 1),
      detailJson: '',
      epoch,
    });
    this.sequence += 1n;
    return {
      kind: 'execute',
      result: {
        failure: undefined,
        newStore: undefined,
        drift: [],
        canaryRevision: step === Step.STEP_PREPARE_GATE ? 2_000_000_001n : 0n,
      },
    };
  }

  private observe(hashRevision: bigint): Answer {
    const members = PEERS.map((peer, index) => ({
      id: `${index}`,
      name: `cp${index + 1}`,
      peerUrls: [peer],
      clientUrls: [],
      learner: false,
    }));
    return {
      kind: 'observe',
      member: {
        serving: hasMember(this.part) && this.running === 'new',
        memberId: this.node,
        clusterId: 'new',
        revision: hashRevision,
        compactRevision: 2_000_000_000n,
        hash: 7,
        leader: false,
        alarms: [],
        members,
        version: '3.5.16',
        failure: undefined,
        componentsInPlace: [],
      },
    };
  }

  private stale(epoch: Epoch): Failure | undefined {
    const { promised } = this;
    if (promised?.number === epoch.number && promised.coordinatorId === epoch.coordinatorId) return undefined;
    return failureOf('EPOCH_STALE', 'not the promised epoch', this.node);
  }

  private isOpen(): boolean {
    return (
      this.state === LedgerState.OPERATION_STATE_OPEN || this.state === LedgerState.OPERATION_STATE_COMMITTED
    );
  }

  private completed(step: Step): boolean {
    return this.effects.some((effect) => effect.step === step);
  }

  private undoBegun(): boolean {
    return this.effects.some((effect) => effect.step >= Step.STEP_UNDO_STOP);
  }
}

export const PEERS = ['https://10.0.0.1:2380', 'https://10.0.0.2:2380', 'https://10.0.0.3:2380'];

/** A node with a member and an API server beside it. */
const WHOLE: PlannedPart = NodePlan.fromPartial({ etcd: {} });

import type { Epoch } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { Effect, TransitionEvent } from '../events.ts';
import { failureOf } from '../failures.ts';
import { hasEnded, newOperation, type OperationState, takenOverOperation } from '../state.ts';
import { step } from '../transition.ts';
import { ModelAgent, PEERS } from './model-agent.ts';

/** More events than any operation of the model can need: an operation that goes on longer never ends. */
export const MAX_EVENTS = 20_000;

/** What the network does with one question. */
export type Delivery = 'answered' | 'lost' | 'answer-lost';

export interface World {
  /** Called for each question, in the order of delivery. */
  deliver(node: string, question: number): Delivery;
  /** Picks which of `count` answers under way arrives next. */
  pick(count: number): number;
}

export const CALM: World = { deliver: () => 'answered', pick: () => 0 };

/** A core and its agents in one memory, with a clock that jumps to the next timer. */
export class Driver {
  readonly agents: Map<string, ModelAgent>;
  readonly plan: RestorePlan;
  readonly published: OperationEvent[] = [];
  state: OperationState;
  nowMs = 1_000_000;
  events = 0;
  private readonly world: World;
  private readonly underWay: { call: number; event: TransitionEvent }[] = [];
  private readonly timers = new Map<number, number>();
  private questions = 0;

  constructor(world: World = CALM, plan: RestorePlan = modelPlan()) {
    this.world = world;
    this.plan = plan;
    this.agents = new Map(
      plan.nodes.map((each) => [each.node, new ModelAgent(each.node, each.ledgerId, each)]),
    );
    this.state = newOperation(plan, FIRST_EPOCH, this.nowMs);
  }

  agent(node: string): ModelAgent {
    const agent = this.agents.get(node);
    if (agent === undefined) throw new Error(`no agent ${node}`);
    return agent;
  }

  start(): void {
    this.feed({ kind: 'started', atMs: this.nowMs });
  }

  /** The coordinator dies: all it knew is gone, the agents stay; another takes over. */
  crash(coordinatorId: string): void {
    this.underWay.length = 0;
    this.timers.clear();
    this.state = takenOverOperation(this.plan, { number: 0n, coordinatorId }, this.nowMs);
    this.start();
  }

  feed(event: TransitionEvent): void {
    this.events += 1;
    if (this.events > MAX_EVENTS) throw new Error('the operation does not end');
    const next = step(this.state, event);
    this.state = next.state;
    for (const effect of next.effects) this.perform(effect);
  }

  /** One thing happens: an answer arrives, else the next timer fires. False once all is over. */
  tick(): boolean {
    if (hasEnded(this.state)) return false;
    if (this.underWay.length > 0) {
      const [arrived] = this.underWay.splice(this.world.pick(this.underWay.length), 1);
      if (arrived === undefined) throw new Error('picked an answer that is not there');
      this.nowMs += 1;
      this.feed({ ...arrived.event, atMs: this.nowMs });
      return true;
    }
    const [next] = [...this.timers].sort((a, b) => a[1] - b[1]);
    if (next === undefined) throw new Error('nothing is under way and no timer is set');
    this.timers.delete(next[0]);
    this.nowMs = Math.max(this.nowMs, next[1]);
    this.feed({ kind: 'timer', timer: next[0], atMs: this.nowMs });
    return true;
  }

  run(): void {
    while (this.tick());
  }

  private perform(effect: Effect): void {
    switch (effect.kind) {
      case 'publish':
        this.published.push(effect.event);
        return;
      case 'set-timer':
        this.timers.set(effect.timer, this.nowMs + effect.afterMs);
        return;
      case 'clear-timer':
        this.timers.delete(effect.timer);
        return;
      case 'cancel-call': {
        const index = this.underWay.findIndex((each) => each.call === effect.call);
        if (index >= 0) this.underWay.splice(index, 1);
        return;
      }
      case 'call': {
        const { call, node } = effect;
        const delivery = this.world.deliver(node, this.questions);
        this.questions += 1;
        const answer =
          delivery === 'lost'
            ? undefined
            : this.agent(node).answer(this.plan.operationId, effect.ask, this.nowMs);
        const event: TransitionEvent =
          answer === undefined || delivery === 'answer-lost'
            ? { kind: 'failed', call, failure: failureOf('UNREACHABLE', 'lost', node), atMs: this.nowMs }
            : 'code' in answer
              ? { kind: 'failed', call, failure: answer, atMs: this.nowMs }
              : { kind: 'answered', call, answer, atMs: this.nowMs };
        this.underWay.push({ call, event });
        return;
      }
    }
  }
}

const FIRST_EPOCH: Epoch = { number: 1n, coordinatorId: 'c1' };

export function modelPlan(change: object = {}): RestorePlan {
  const nodes = PEERS.map((peer, index) => ({
    node: `cp${index + 1}`,
    ledgerId: `ledger-${index + 1}`,
    order: index,
    etcd: { name: `cp${index + 1}`, initialAdvertisePeerUrls: [peer] },
  }));
  return RestorePlan.fromPartial({
    operationId: 'r-1',
    cluster: 'model',
    expiresMs: BigInt(Number.MAX_SAFE_INTEGER),
    nodes,
    baseline: { serving: true, etcdClusterId: 'old' },
    ...change,
  });
}

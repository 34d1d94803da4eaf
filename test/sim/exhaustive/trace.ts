import { STEP_NAMES } from '@lockstep/agent/core/operation.ts';
import type { Ask } from '@lockstep/coordinator/core/events.ts';
import type { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { askKey, replyKey } from './agent.ts';
import type { Search, TraceLine } from './search.ts';
import { operationOf } from './slot.ts';
import { EMPTY, HAPPENINGS, REPLY, SLOTS } from './successors.ts';
import { worldKey } from './world.ts';

/** A path for a person: what happened, and what of the state it changed. */
export function traceText(search: Search, trace: readonly TraceLine[]): string[] {
  let before: string[] = [];
  return trace.flatMap(({ happening, node, coordinator, state }, index) => {
    const { fault, words } = HAPPENINGS[happening];
    const where = [coordinator, node].filter((each) => each !== undefined).join(' ');
    const head = `    ${String(index + 1).padStart(3)} ${fault ? '!' : ' '} ${where.padEnd(6)} ${words}`;
    if (state.length === 0) return [head];
    const now = describe(search, state);
    const changes = now.filter((line) => !before.includes(line)).map((line) => `          ${line}`);
    before = now;
    return [head, ...changes];
  });
}

function describe({ space, searched }: Search, state: Int32Array): string[] {
  const { parts } = space;
  const lines: string[] = [];
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const { value, timers } = parts.slot(state[slot] as number);
    const operation = operationOf(value);
    const name = `${value.name}${value.run}`;
    if (operation === undefined) lines.push(`${name}: ${value.state as string}`);
    else {
      const { stage, epoch } = operation;
      const more =
        stage.kind === 'forward'
          ? `at ${stage.position}, pending ${[...stage.pending].join('+')}`
          : stage.kind === 'undo'
            ? `step ${stage.index}, pending ${[...stage.pending].join('+')}, away ${[...stage.away].join('+')}`
            : stage.kind === 'settle'
              ? `${stage.part}, pending ${[...stage.pending].join('+')}, round ${operation.settleRounds}`
              : stage.kind === 'ended'
                ? `${stage.outcome}${stage.outcome === Outcome.OUTCOME_NEEDS_OPERATOR ? ` ${stage.failure?.code}` : ''}`
                : '';
      lines.push(
        `${name}: epoch ${epoch.number}${epoch.coordinatorId} ${stage.kind} ${more}, timers ${timers.join(', ')}`,
      );
    }
  }
  searched.nodes.forEach((node, index) => {
    const { value } = parts.agent(space.agentOf(state, index));
    const { ledger, world, inFlight } = value;
    const effects = ledger.effects.map(
      ({ step, completedMs }) => `${shortStep(step)}${completedMs === undefined ? '?' : ''}`,
    );
    const promised =
      ledger.promised === undefined ? '' : `${ledger.promised.number}${ledger.promised.coordinatorId}`;
    lines.push(
      `${node}: ${value.up ? '' : 'DOWN '}${value.broken ? 'BROKEN ' : ''}promised ${promised} ${ledger.held ? ledger.phase : ''} [${effects.slice(-3).join(' ')}] ${inFlight === undefined ? '' : `in flight ${shortAsk(inFlight.ask)} for ${inFlight.from < 0 ? 'nobody' : 'ab'[inFlight.from]}, ${inFlight.log.length} said`}`,
      `${node}: ${worldKey(world)}`,
    );
    for (let slot = 0; slot < SLOTS; slot += 1) {
      const channel = space.channelOf(state, index, slot);
      if (channel === EMPTY) continue;
      const ask = parts.slot(state[slot] as number).asks[index] ?? -1;
      const what =
        channel >= REPLY
          ? `answer ${replyKey(parts.replies.get(channel - REPLY))}`
          : `${channel === 1 ? 'question' : 'executing'} ${ask < 0 ? '?' : shortAsk(parts.asks.get(ask))}`;
      lines.push(`${'ab'[slot]} - ${node}: ${what}`);
    }
    const net = parts.nets.get(space.netOf(state, index));
    if (net.cut !== 0) lines.push(`${node}: cut from ${net.cut}`);
    if (net.late.length > 0)
      lines.push(`${node}: late ${net.late.map((each) => shortAsk(parts.asks.get(each))).join(', ')}`);
  });
  return lines;
}

function shortStep(step: Step): string {
  return step === 0 ? '?' : (STEP_NAMES[step] ?? '?').replace('STEP_', '');
}

function shortAsk(ask: Ask): string {
  return ask.kind === 'execute' ? askKey(ask).replace(/\d+/, shortStep(ask.step)) : askKey(ask);
}

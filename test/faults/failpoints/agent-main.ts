#!/usr/bin/env node
import { runAgent } from '@lockstep/agent/main.ts';
import type { Clock } from '@lockstep/shared/clock.ts';
import { Step, stepToJSON } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { around, aroundClock, aroundPort } from './around-ports.ts';
import { aroundService } from './around-service.ts';
import { FAILPOINTS_VARIABLE, FailpointBoard } from './board.ts';
import { Probe } from './probe.ts';

/** The agent as it is shipped, with failpoints around its ports. */
const probe = new Probe(new FailpointBoard(process.env[FAILPOINTS_VARIABLE] ?? ''), 'agent');

function stepOf(method: string, request: unknown): string {
  const { step } = request as { readonly step?: Step };
  if (method === 'execute' && step !== undefined) return stepToJSON(step);
  return method.slice(0, 1).toUpperCase() + method.slice(1);
}

/** Each step's handler, a port of its own: where a test lets a step fail or pause. */
function aroundHandlers(handlers: object): object {
  return Object.fromEntries(
    Object.entries(handlers).map(([step, handler]) => [
      step,
      aroundPort(probe, 'handlers', handler as object, { step: () => stepToJSON(Number(step) as Step) }),
    ]),
  );
}

await runAgent(
  around((name, port) => {
    switch (name) {
      case 'clock':
        return aroundClock(probe, port as Clock);
      case 'service':
        return aroundService(probe, port, stepOf);
      case 'handlers':
        return aroundHandlers(port);
      default:
        return aroundPort(probe, name, port);
    }
  }),
);

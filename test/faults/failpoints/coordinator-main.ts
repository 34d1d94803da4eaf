#!/usr/bin/env node
import { runCoordinator } from '@lockstep/coordinator/main.ts';
import type { AgentAddress, AgentClient, Agents, Journal } from '@lockstep/coordinator/runner/ports.ts';
import type { Clock } from '@lockstep/shared/clock.ts';
import { type ExecuteRequest, stepToJSON } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import { around, aroundClock, aroundPort } from './around-ports.ts';
import { aroundService } from './around-service.ts';
import { FAILPOINTS_VARIABLE, FailpointBoard } from './board.ts';
import { Probe } from './probe.ts';

/** The coordinator as it is shipped, with failpoints around its ports. */
const probe = new Probe(new FailpointBoard(process.env[FAILPOINTS_VARIABLE] ?? ''), 'coordinator');

function aroundAgents(agents: Agents): Agents {
  const clients = new Map<AgentClient, AgentClient>();
  return {
    known: () => agents.known(),
    client: (address: AgentAddress) => {
      const client = agents.client(address);
      let kept = clients.get(client);
      if (kept === undefined) {
        kept = aroundPort(probe, 'agent', client, {
          leaves: true,
          step: (method, [request]) =>
            method === 'execute' ? stepToJSON((request as ExecuteRequest).step) : undefined,
        });
        clients.set(client, kept);
      }
      return kept;
    },
  };
}

/** A record is handed over at once and written later: it is acknowledged when it is on disk. */
function aroundJournal(journal: Journal): Journal {
  return aroundPort(probe, 'journal', journal, {
    step: (method, [event]) => (method === 'append' ? (event as OperationEvent).event?.$case : undefined),
    done: () => journal.flush(),
  });
}

await runCoordinator(
  around((name, port) => {
    switch (name) {
      case 'clock':
        return aroundClock(probe, port as Clock);
      case 'service':
        return aroundService(probe, port, () => '');
      case 'agents':
        return aroundAgents(port as Agents);
      case 'journal':
        return aroundJournal(port as Journal);
      default:
        return aroundPort(probe, name, port);
    }
  }),
);

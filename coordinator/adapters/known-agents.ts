import type { AgentAddress, AgentClient, Agents } from '../runner/ports.ts';
import type { AgentConnections } from './agent-client.ts';

/** The nodes of the configuration where it names any, else those that presence has shown. */
export class KnownAgents implements Agents {
  readonly #connections: AgentConnections;
  readonly #source: () => readonly AgentAddress[];

  constructor(connections: AgentConnections, source: () => readonly AgentAddress[]) {
    this.#connections = connections;
    this.#source = source;
  }

  known(): readonly AgentAddress[] {
    return this.#source();
  }

  client(address: AgentAddress): AgentClient {
    return this.#connections.client(address);
  }
}

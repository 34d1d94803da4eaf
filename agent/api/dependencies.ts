import type { AgentPorts } from '../assembly.ts';
import type { AgentConfig } from '../config.ts';
import type { Drills } from '../drill/drills.ts';
import type { Executor } from '../executor/executor.ts';
import type { Ledger } from '../ledger/ledger.ts';

/** What the agent's calls are answered with. */
export interface AgentServiceDependencies {
  readonly config: AgentConfig;
  readonly ledger: Ledger;
  readonly executor: Executor;
  readonly ports: AgentPorts;
  readonly drills: Drills;
  readonly now: () => number;
}

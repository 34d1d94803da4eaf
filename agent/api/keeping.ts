import type { AgentServiceServer } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { notBuilt } from '@lockstep/shared/transport/not-built.ts';
import type { AgentServiceDependencies } from './agent-service.ts';

export function keepingCalls(
  _dependencies: AgentServiceDependencies,
): Pick<AgentServiceServer, 'deleteSnapshot' | 'markSnapshot'> {
  return {
    deleteSnapshot: notBuilt,
    markSnapshot: notBuilt,
  };
}

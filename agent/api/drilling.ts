import type { AgentServiceServer } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { notBuiltStream } from '@lockstep/shared/transport/not-built.ts';
import type { AgentServiceDependencies } from './agent-service.ts';

export function drillingCalls(
  _dependencies: AgentServiceDependencies,
): Pick<AgentServiceServer, 'drillSnapshot'> {
  return {
    drillSnapshot: notBuiltStream,
  };
}

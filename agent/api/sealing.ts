import type { AgentServiceServer } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { notBuilt } from '@lockstep/shared/transport/not-built.ts';
import type { AgentServiceDependencies } from './agent-service.ts';

export function sealingCalls(
  _dependencies: AgentServiceDependencies,
): Pick<AgentServiceServer, 'sealSnapshot' | 'setRevocations' | 'getRevocations'> {
  return {
    sealSnapshot: notBuilt,
    setRevocations: notBuilt,
    getRevocations: notBuilt,
  };
}

import type { AgentServiceServer } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { notBuilt, notBuiltStream } from '@lockstep/shared/transport/not-built.ts';
import type { AgentServiceDependencies } from './agent-service.ts';

export function copyCalls(
  _dependencies: AgentServiceDependencies,
): Pick<AgentServiceServer, 'copySnapshot' | 'exportSnapshot' | 'importSnapshot'> {
  return {
    copySnapshot: notBuiltStream,
    exportSnapshot: notBuiltStream,
    importSnapshot: notBuilt,
  };
}

import type { MethodDefinition, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { AgentServiceService } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { OperatorServiceService } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { streamHandler, unaryHandler } from '@lockstep/shared/transport/handlers.ts';
import type { Policy } from '@lockstep/shared/transport/policy.ts';
import type { ServedService } from '@lockstep/shared/transport/server.ts';

/** The methods of the contract, as the generated code has them. */
export const SERVICES = { agent: AgentServiceService, operator: OperatorServiceService } as const;

export type AnyMethod = MethodDefinition<unknown, unknown>;

export function methodsOf(definition: ServiceDefinition): AnyMethod[] {
  return Object.values(definition);
}

/** A real service whose every method answers with nothing, and counts that it was reached. */
export function countingService(definition: ServiceDefinition, reached: string[]): ServedService {
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition)) {
    // Every message of the contract decodes from no bytes at all.
    const empty = method.responseDeserialize(Buffer.alloc(0)) as unknown;
    implementation[name] = method.responseStream
      ? streamHandler(async function* () {
          reached.push(method.path);
          yield empty;
        })
      : unaryHandler(async () => {
          reached.push(method.path);
          return empty;
        });
  }
  return { definition, implementation };
}

/** The roles that the contract's own comments give. */
export const POLICY: Policy = {
  ...Object.fromEntries(methodsOf(AgentServiceService).map(({ path }) => [path, ['coordinator'] as const])),
  [AgentServiceService.readSnapshot.path]: ['coordinator', 'agent'],
  ...Object.fromEntries(methodsOf(OperatorServiceService).map(({ path }) => [path, ['operator'] as const])),
};

import { AgentServiceService } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Policy } from '@lockstep/shared/transport/policy.ts';

/** Snapshots are what agents pull from each other; everything else is the coordinator's alone. */
export const AGENT_POLICY: Policy = Object.fromEntries(
  Object.values(AgentServiceService).map(({ path }) => [
    path,
    path === AgentServiceService.readSnapshot.path ? ['coordinator', 'agent'] : ['coordinator'],
  ]),
);

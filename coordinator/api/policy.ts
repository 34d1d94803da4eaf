import { OperatorServiceService } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { Policy } from '@lockstep/shared/transport/policy.ts';

/** Every call is an operator's. Agents and other coordinators have nothing to ask here. */
export const OPERATOR_POLICY: Policy = Object.fromEntries(
  Object.values(OperatorServiceService).map(({ path }) => [path, ['operator'] as const]),
);

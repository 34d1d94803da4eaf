import type { OperatorServiceServer } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { notBuilt } from '@lockstep/shared/transport/not-built.ts';
import type { OperatorServiceSettings } from './operator-service.ts';

export function keepingCalls(
  _dependencies: OperatorServiceSettings,
): Pick<
  OperatorServiceServer,
  'getCatalogue' | 'deleteSnapshot' | 'pinSnapshot' | 'listSchedules' | 'pruneSnapshots'
> {
  return {
    getCatalogue: notBuilt,
    deleteSnapshot: notBuilt,
    pinSnapshot: notBuilt,
    listSchedules: notBuilt,
    pruneSnapshots: notBuilt,
  };
}

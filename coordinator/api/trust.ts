import type { OperatorServiceServer } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { notBuilt } from '@lockstep/shared/transport/not-built.ts';
import type { OperatorServiceSettings } from './operator-service.ts';

export function trustCalls(
  _dependencies: OperatorServiceSettings,
): Pick<OperatorServiceServer, 'revokeTrust' | 'listTrust'> {
  return {
    revokeTrust: notBuilt,
    listTrust: notBuilt,
  };
}

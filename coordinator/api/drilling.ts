import type { OperatorServiceServer } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { notBuiltStream } from '@lockstep/shared/transport/not-built.ts';
import type { OperatorServiceSettings } from './operator-service.ts';

export function drillingCalls(
  _dependencies: OperatorServiceSettings,
): Pick<OperatorServiceServer, 'runDrill'> {
  return {
    runDrill: notBuiltStream,
  };
}

import type { OperatorServiceServer } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { notBuilt, notBuiltStream } from '@lockstep/shared/transport/not-built.ts';
import type { OperatorServiceSettings } from './operator-service.ts';

export function copyCalls(
  _dependencies: OperatorServiceSettings,
): Pick<OperatorServiceServer, 'copySnapshot' | 'getCopyHead' | 'fetchSnapshot'> {
  return {
    copySnapshot: notBuiltStream,
    getCopyHead: notBuilt,
    fetchSnapshot: notBuiltStream,
  };
}

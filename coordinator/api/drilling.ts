import type { OperatorServiceServer } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import { streamHandler } from '@lockstep/shared/transport/handlers.ts';
import type { OperatorServiceSettings } from './settings.ts';

export function drillingCalls({
  drills,
  logger,
}: Pick<OperatorServiceSettings, 'drills' | 'logger'>): Pick<OperatorServiceServer, 'runDrill'> {
  return {
    runDrill: streamHandler((request, { caller, signal }) => {
      const { snapshotId, node, store } = request;
      logger.info({ by: identityUri(caller), call: 'RunDrill', snapshotId, node, store }, 'operator call');
      return drills.drill(request, signal);
    }),
  };
}

import type {
  OperatorServiceGatherEvidenceRequest,
  OperatorServiceServer,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import { type CallContext, streamHandler } from '@lockstep/shared/transport/handlers.ts';
import type { OperatorServiceSettings } from './settings.ts';

export function evidenceCalls({
  gathering,
  logger,
}: Pick<OperatorServiceSettings, 'gathering' | 'logger'>): Pick<OperatorServiceServer, 'gatherEvidence'> {
  return {
    gatherEvidence: streamHandler(
      (request: OperatorServiceGatherEvidenceRequest, { caller, signal }: CallContext) => {
        const by = identityUri(caller);
        const { nodes, include, exclude, reason } = request;
        logger.info({ by, call: 'GatherEvidence', nodes, include, exclude, reason }, 'operator call');
        return gathering.gather(request, by, signal);
      },
    ),
  };
}

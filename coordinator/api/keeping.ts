import type { OperatorServiceServer } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import { type CallContext, unaryHandler } from '@lockstep/shared/transport/handlers.ts';
import { policyWords } from '../core/retention.ts';
import type { OperatorServiceSettings } from './settings.ts';

export function keepingCalls({
  catalogue,
  keeping,
  scheduler,
  operations,
  logger,
}: OperatorServiceSettings): Pick<
  OperatorServiceServer,
  'getCatalogue' | 'deleteSnapshot' | 'pinSnapshot' | 'listSchedules' | 'pruneSnapshots'
> {
  const audit = ({ caller }: CallContext, call: string, fields: object): string => {
    const by = identityUri(caller);
    logger.info({ by, call, ...fields }, 'operator call');
    return by;
  };
  return {
    getCatalogue: unaryHandler(async (_request, { signal }) => {
      const { entries, failures } = await catalogue.read(signal);
      return { entries: [...entries], failures: [...failures] };
    }),

    deleteSnapshot: unaryHandler(async (request, context) => {
      const { snapshotId, places, reason, approvedPurge } = request;
      const by = audit(context, 'DeleteSnapshot', { snapshotId, places, reason, approvedPurge });
      // Plans are with who leads, and a plan keeps its snapshot.
      operations.requireLead();
      return keeping.delete(request, by, context.signal);
    }),

    pinSnapshot: unaryHandler(async (request, context) => {
      const by = audit(context, 'PinSnapshot', { ...request });
      return keeping.pin(request, by, context.signal);
    }),

    listSchedules: unaryHandler(async () => ({
      schedules: scheduler.status(),
      retention: keeping.retention === undefined ? '' : policyWords(keeping.retention),
    })),

    pruneSnapshots: unaryHandler(async ({ dryRun }, context) => {
      audit(context, 'PruneSnapshots', { dryRun });
      operations.requireLead();
      return { decisions: await keeping.prune(dryRun, context.signal) };
    }),
  };
}

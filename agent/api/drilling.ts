import { toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type {
  AgentServiceServer,
  DrillSnapshotRequest,
  DrillSnapshotResponse,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import { type CallContext, streamHandler } from '@lockstep/shared/transport/handlers.ts';
import { ProgressSlot } from '../executor/step-stream.ts';
import type { AgentServiceDependencies } from './dependencies.ts';

export function drillingCalls(
  dependencies: AgentServiceDependencies,
): Pick<AgentServiceServer, 'drillSnapshot'> {
  return {
    drillSnapshot: streamHandler((request: DrillSnapshotRequest, { caller, signal }: CallContext) =>
      drillSnapshot(dependencies, request, identityUri(caller), signal),
    ),
  };
}

/** What it is doing, then the proof, or why there is none. */
async function* drillSnapshot(
  { config, drills, ports }: AgentServiceDependencies,
  { snapshotId }: DrillSnapshotRequest,
  caller: string,
  signal: AbortSignal,
): AsyncGenerator<DrillSnapshotResponse, void, undefined> {
  const progress = new ProgressSlot(ports.clock);
  const drilled = drills
    .run(snapshotId, caller, (doing) => progress.put(doing, 0n, 0n), signal)
    .then(
      (value): DrillSnapshotResponse => ({ event: { $case: 'proof', value } }),
      (thrown: unknown): DrillSnapshotResponse => ({
        event: { $case: 'failure', value: toFailure(thrown, config.node) },
      }),
    );
  for (;;) {
    const first = await Promise.race([drilled, progress.next().then(() => undefined)]);
    if (first !== undefined) {
      yield first;
      return;
    }
    const word = progress.take();
    if (word !== undefined) yield { event: { $case: 'progress', value: word } };
  }
}

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type {
  AgentServiceServer,
  GatherEvidenceRequest,
  GatherEvidenceResponse,
  StepProgress,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { isOperationId } from '@lockstep/shared/ids.ts';
import { identityUri } from '@lockstep/shared/tls/identity.ts';
import { type CallContext, streamHandler } from '@lockstep/shared/transport/handlers.ts';
import type { AgentServiceDependencies } from './dependencies.ts';

/** A person reads no faster. */
const PROGRESS_INTERVAL_MS = 200;

export function evidenceCalls(
  dependencies: AgentServiceDependencies,
): Pick<AgentServiceServer, 'gatherEvidence'> {
  return {
    gatherEvidence: streamHandler((request: GatherEvidenceRequest, { caller, signal }: CallContext) =>
      gather(dependencies, request, identityUri(caller), signal),
    ),
  };
}

/** The archive as it is written, and last what it came to. What became of it is in the audit. */
async function* gather(
  { config: { node }, ledger, ports }: AgentServiceDependencies,
  request: GatherEvidenceRequest,
  caller: string,
  signal: AbortSignal,
): AsyncGenerator<GatherEvidenceResponse, void, undefined> {
  if (!isOperationId(request.gatherId)) {
    throw new LockstepError('USAGE', { node, message: 'A gathering begins with its id.' });
  }
  let outcome = 'failed';
  let latest: StepProgress | undefined;
  let spokenMs = Number.NEGATIVE_INFINITY;
  try {
    const archive = ports.evidence.gather(
      { request, commandedBy: caller, occasion: 'asked' },
      (collector, plainBytes) => {
        latest = { step: `gathering ${collector}`, doneBytes: BigInt(plainBytes), totalBytes: 0n };
      },
      signal,
    );
    for (;;) {
      const next = await archive.next();
      if (next.done === true) {
        outcome = `done: sha256 ${next.value.sha256}`;
        yield { event: { $case: 'archive', value: next.value } };
        return;
      }
      const nowMs = ports.clock.monotonicMs();
      if (latest !== undefined && nowMs - spokenMs >= PROGRESS_INTERVAL_MS) {
        spokenMs = nowMs;
        yield { event: { $case: 'progress', value: latest } };
      }
      const { buffer, byteOffset, length } = next.value;
      yield { event: { $case: 'data', value: Buffer.from(buffer, byteOffset, length) } };
    }
  } finally {
    // Under its own id: what was gathered, by whose wish, and which bytes that came to.
    ledger.recordAudit({
      command: `GatherEvidence for ${request.requestedBy}`,
      operationId: request.gatherId,
      caller,
      epoch: undefined,
      outcome,
    });
  }
}

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { GatherEvidenceRequest } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { GatherBefore, Stores } from '../ports.ts';
import type { EvidenceGatherer } from './gatherer.ts';

/** Before compression: manifests, configuration, lists. Logs are gathered on demand. */
const MAX_BYTES = 32n * 1024n * 1024n;
/** A node with less room keeps it for the restore. */
const MIN_FREE_BYTES = 512n * 1024n * 1024n;
const FILE_MODE = 0o600;

/** Gathers into a file of the operation. Throws EVIDENCE_FAILED where the disk has little room, and as gathering does. */
export function gatherBefore(
  gatherer: EvidenceGatherer,
  stores: Pick<Stores, 'freeBytes' | 'writeFile'>,
  stateDir: string,
  agent: string,
): GatherBefore {
  return async ({ operationId, requestedBy, path }, signal) => {
    const freeBytes = await stores.freeBytes(stateDir, signal);
    if (freeBytes < MIN_FREE_BYTES) {
      throw new LockstepError('EVIDENCE_FAILED', {
        message: `${stateDir} has ${freeBytes} bytes left, which a restore may need.`,
      });
    }
    const request = GatherEvidenceRequest.fromPartial({
      gatherId: operationId,
      requestedBy,
      reason: `before ${operationId}`,
      maxBytes: MAX_BYTES,
      operationId,
    });
    const archive = gatherer.gather(
      { request, commandedBy: agent, occasion: 'before-restore' },
      () => undefined,
      signal,
    );
    const parts: Uint8Array[] = [];
    for (;;) {
      const next = await archive.next();
      if (next.done !== true) {
        parts.push(next.value);
        continue;
      }
      const { sha256, sizeBytes } = next.value;
      await stores.writeFile(path, Buffer.concat(parts), FILE_MODE, signal);
      return { sha256, sizeBytes: Number(sizeBytes) };
    }
  };
}

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { GatherEvidenceRequest } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { EvidenceArchive } from '@lockstep/shared/generated/lockstep/v1/evidence.ts';
import { EffectSlot } from '../executor/effect-slot.ts';
import type { EvidenceLimits } from './budget.ts';
import { chooseCollectors } from './collectors.ts';
import { type GatherDependencies, gatherEvidence, type OnGathered } from './gather.ts';

export interface GathererSettings extends GatherDependencies {
  readonly limits: EvidenceLimits;
  /** Of one gathering; then it ends, and what is not there yet is told as a failure. */
  readonly maxMs: number;
}

export interface GatherOptions {
  readonly request: GatherEvidenceRequest;
  /** Whose command it is, by the certificate of the call. */
  readonly commandedBy: string;
  readonly occasion: 'asked' | 'before-restore';
}

/** Gathers this node's evidence, once at a time. */
export class EvidenceGatherer {
  readonly #settings: GathererSettings;
  readonly #gathering: EffectSlot;

  constructor(settings: GathererSettings) {
    this.#settings = settings;
    this.#gathering = new EffectSlot(settings.clock);
  }

  /** The archive's bytes, and last what has been sent. Throws EVIDENCE_COLLECTOR_UNKNOWN, EVIDENCE_IN_PROGRESS, EVIDENCE_FAILED. */
  async *gather(
    { request, commandedBy, occasion }: GatherOptions,
    onGathered: OnGathered,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, EvidenceArchive, undefined> {
    const { node, limits, clock, maxMs } = this.#settings;
    const collectors = chooseCollectors(request.include, request.exclude, occasion);
    using slot = await this.#gathering.acquire(0);
    // One that was given up may still wait for the kernel: another one would wait behind it.
    if (slot === undefined || !this.#settings.sources.tree.isIdle) {
      throw new LockstepError('EVIDENCE_IN_PROGRESS', { node, message: `${node} is gathering evidence.` });
    }
    this.#settings.sources.tree.prepare();
    const asked = Number(request.maxBytes);
    const maxBytes = asked > 0 ? Math.min(asked, limits.maxBytes) : limits.maxBytes;
    const until = clock.deadline(maxMs, signal);
    const { gatherId, requestedBy, reason, operationId } = request;
    const commanded = { gatherId, requestedBy, commandedBy, reason, operationId, collectors };
    try {
      return yield* gatherEvidence(
        this.#settings,
        { ...commanded, limits: { ...limits, maxBytes } },
        onGathered,
        until,
      );
    } catch (thrown) {
      signal.throwIfAborted();
      if (!until.aborted) throw thrown;
      throw new LockstepError('EVIDENCE_FAILED', {
        node,
        message: `The evidence of ${node} was not gathered within ${maxMs / 1000} s.`,
        cause: thrown,
      });
    }
  }
}

import type { Clock } from '@lockstep/shared/clock.ts';
import { LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type {
  GatherEvidenceRequest,
  GatherEvidenceResponse,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type {
  OperatorServiceGatherEvidenceRequest,
  OperatorServiceGatherEvidenceResponse,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { timedId } from '@lockstep/shared/ids.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { unlessSilent } from '@lockstep/shared/silence.ts';
import type { AgentAddress } from './ports.ts';

/** An agent that sends nothing for so long has hung: it gives up what stands still itself, long before. */
const SILENCE_TIMEOUT_MS = 3 * 60_000;
/** Of one node; its agent's own limit ends it before, unless its configuration says otherwise. */
const NODE_TIMEOUT_MS = 30 * 60_000;

/** One agent, asked for its evidence. */
export interface EvidenceClient {
  readonly node: string;
  gather(request: GatherEvidenceRequest, signal: AbortSignal): AsyncIterable<GatherEvidenceResponse>;
}

export interface GatheringSettings {
  readonly known: () => readonly AgentAddress[];
  readonly client: (address: AgentAddress) => EvidenceClient;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Evidence from the nodes, passed on as it comes: it lies on no disk of the coordinator's. */
export class Gathering {
  readonly #settings: GatheringSettings;

  constructor(settings: GatheringSettings) {
    this.#settings = settings;
  }

  /**
   * Node by node: whoever takes it takes one stream, and a node that fails does so alone. Throws
   * NODE_MISSING before anything is asked for.
   */
  async *gather(
    { nodes, reason, include, exclude, maxBytes }: OperatorServiceGatherEvidenceRequest,
    requestedBy: string,
    signal: AbortSignal,
  ): AsyncGenerator<OperatorServiceGatherEvidenceResponse, void, undefined> {
    const { clock, client } = this.#settings;
    const gatherId = timedId('e', clock.nowMs());
    const asked = this.#addresses(nodes).map(client);
    const request = { gatherId, requestedBy, reason, include, exclude, maxBytes, operationId: '' };
    for (const one of asked) yield* this.#gatherOne(one, request, signal);
  }

  #addresses(nodes: readonly string[]): AgentAddress[] {
    const known = this.#settings.known();
    if (nodes.length === 0) return [...known];
    return nodes.map((node) => {
      const found = known.find((each) => each.node === node);
      if (found !== undefined) return found;
      throw new LockstepError('NODE_MISSING', { node, message: `There is no node ${node}.` });
    });
  }

  async *#gatherOne(
    client: EvidenceClient,
    request: GatherEvidenceRequest,
    signal: AbortSignal,
  ): AsyncGenerator<OperatorServiceGatherEvidenceResponse, void, undefined> {
    const { clock, logger } = this.#settings;
    const { gatherId, requestedBy } = request;
    const { node } = client;
    const until = clock.deadline(NODE_TIMEOUT_MS, signal);
    const silence = {
      timeoutMs: SILENCE_TIMEOUT_MS,
      clock,
      error: () =>
        new LockstepError('UNREACHABLE', {
          node,
          message: `The agent sent nothing for ${SILENCE_TIMEOUT_MS / 1000} s.`,
        }),
    };
    try {
      for await (const { event } of unlessSilent(client.gather(request, until), silence, until)) {
        const answer = translate(event, node);
        if (answer === undefined) continue;
        if (answer.$case === 'archive') {
          const { sha256, sizeBytes } = answer.value;
          // Where the bytes are asked for later, this is another's word on which they were.
          const size = Number(sizeBytes);
          logger.info({ gatherId, node, by: requestedBy, sha256, sizeBytes: size }, 'evidence gathered');
        }
        yield { node, gatherId, event: answer };
        if (answer.$case === 'archive' || answer.$case === 'failure') return;
      }
      throw new LockstepError('UNREACHABLE', {
        node,
        message: 'The agent ended the archive before its end.',
      });
    } catch (thrown) {
      signal.throwIfAborted();
      const value = toFailure(thrown, node);
      logger.warn({ gatherId, node, code: value.code, reason: value.message }, 'no evidence was gathered');
      yield { node, gatherId, event: { $case: 'failure', value } };
    }
  }
}

function translate(
  event: GatherEvidenceResponse['event'],
  node: string,
): OperatorServiceGatherEvidenceResponse['event'] {
  if (event?.$case !== 'progress') return event;
  const { step, doneBytes, totalBytes } = event.value;
  const phase = Phase.PHASE_UNSPECIFIED;
  return { $case: 'progress', value: { phase, node, step, doneBytes, totalBytes, done: false } };
}

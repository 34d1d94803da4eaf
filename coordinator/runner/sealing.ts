import type { Clock } from '@lockstep/shared/clock.ts';
import { LockstepError, refusal, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { SaveKeptResponse, SaveSnapshotResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Failure, Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type {
  Revocation,
  Seal,
  SealedCard,
  SigningReport,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { judgeCopySeal } from '@lockstep/shared/seal/copy.ts';
import {
  countersignCard,
  judgeAgentSeal,
  judgeSeals,
  signersOf,
  type Trust,
} from '@lockstep/shared/seal/judge.ts';
import { isGenuine, isSameList, unionOf } from '@lockstep/shared/seal/revocations.ts';
import type { Authority, SigningIdentity } from '@lockstep/shared/seal/seal.ts';
import { whyNotCountersign } from '../core/countersign.ts';
import { askAll } from './inventory.ts';
import type { AgentAddress, AgentClient, Agents } from './ports.ts';
import type { CopyInStore } from './stored-cards.ts';

const SEAL_TIMEOUT_MS = 10_000;
/** One that does not answer may know of a revocation that nobody else does; it is not waited for long. */
const REVOCATIONS_TIMEOUT_MS = 5_000;

/** What a coordinator signs and judges with. Each is read anew when it is asked for. */
export interface SealingMeans {
  /** Throws SIGNING_IDENTITY_MISSING. */
  identity(): Promise<SigningIdentity>;
  /** Of this cluster first. Throws CONFIG_INVALID. */
  authorities(): Promise<Authority[]>;
  report(): Promise<SigningReport>;
  /** What this coordinator knows by itself. */
  readonly revocations: {
    read(): Promise<Revocation[]>;
    add(revocations: readonly Revocation[]): Promise<Revocation[]>;
  };
}

export interface SealingSettings {
  readonly cluster: string;
  readonly agents: Agents;
  readonly means: SealingMeans;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Countersigns what agents save for this coordinator, and judges every card by its seals. */
export class Sealing {
  readonly #settings: SealingSettings;

  constructor(settings: SealingSettings) {
    this.#settings = settings;
  }

  get means(): SealingMeans {
    return this.#settings.means;
  }

  /** The CAs, and whose word was withdrawn as far as anybody who answers knows. */
  async trust(signal: AbortSignal): Promise<Trust> {
    const [authorities, { revocations }] = await Promise.all([
      this.#settings.means.authorities(),
      this.revocations(signal),
    ]);
    return { authorities, revocations };
  }

  /**
   * The union over this coordinator and every agent that answers. Who lacks something is told, so
   * that a list which was lost comes back by itself. What no coordinator sealed counts for nothing.
   */
  async revocations(signal: AbortSignal): Promise<{ revocations: Revocation[]; failures: Failure[] }> {
    const { agents, means, clock } = this.#settings;
    const own = await this.#ownAuthority();
    const answers = await askAll(agents, (client) =>
      client.getRevocations(clock.deadline(REVOCATIONS_TIMEOUT_MS, signal)),
    );
    signal.throwIfAborted();
    const lists = answers.map(({ result }) => (result ?? []).filter((each) => isGenuine(each, own)));
    const revocations = await means.revocations.add(unionOf(...lists));
    const behind = answers.filter(({ result }) => result !== undefined && !isSameList(result, revocations));
    const told = await Promise.all(behind.map(({ client }) => this.#tell(client, revocations, signal)));
    const failures = [...answers.map(({ failure }) => failure), ...told];
    return { revocations, failures: failures.filter((each) => each !== undefined) };
  }

  /** Keeps it here, then with every agent that answers; once this resolves it counts everywhere it was taken. */
  async revoke(
    revocation: Revocation,
    signal: AbortSignal,
  ): Promise<{ revocations: Revocation[]; failures: Failure[] }> {
    await this.#settings.means.revocations.add([revocation]);
    return this.revocations(signal);
  }

  /**
   * What an agent has just saved at this coordinator's word, sealed by both. Where that cannot be,
   * the snapshot is good nevertheless, and says why it is not trusted.
   */
  async countersigned(
    client: AgentClient,
    stored: StoredSnapshot,
    signal: AbortSignal,
  ): Promise<StoredSnapshot> {
    const { means, clock, logger } = this.#settings;
    try {
      const [authorities, revocations] = await Promise.all([means.authorities(), means.revocations.read()]);
      const trust = { authorities, revocations };
      const seal = await this.#seal(client.node, stored.sealed, trust);
      const until = clock.deadline(SEAL_TIMEOUT_MS, signal);
      const sealed = await client.sealSnapshot({ snapshotId: stored.card?.id ?? '', seal }, until);
      return judged(sealed, trust);
    } catch (thrown) {
      const { code, message } = toFailure(thrown, client.node);
      const snapshotId = stored.card?.id;
      logger.warn({ node: client.node, snapshotId, code, reason: message }, 'the card is not sealed');
      return withTrust(stored, [refusal('CARD_UNSEALED', `${snapshotId}: ${code}: ${message}`)]);
    }
  }

  async #seal(node: string, sealed: SealedCard | undefined, trust: Trust): Promise<Seal> {
    const { means, clock, cluster } = this.#settings;
    const half = judgeAgentSeal(sealed, trust);
    if (!('card' in half) || sealed === undefined) {
      throw sealRefused(node, ...(Array.isArray(half) ? half : []));
    }
    const nowMs = clock.nowMs();
    const { card, agent, first } = half;
    const revoked = trust.revocations.find(
      ({ signer, since }) => signer === first.signer && nowMs >= Date.parse(since),
    );
    const why =
      revoked === undefined
        ? whyNotCountersign({ card, agentSignedMs: agent.signedMs, node, cluster, nowMs })
        : `${revoked.signer} is not trusted since ${revoked.since}`;
    if (why !== undefined) throw new LockstepError('SEAL_REFUSED', { node, message: `${why}.` });
    return countersignCard(sealed, await means.identity(), nowMs);
  }

  async #tell(
    client: AgentClient,
    revocations: Revocation[],
    signal: AbortSignal,
  ): Promise<Failure | undefined> {
    const { clock, logger } = this.#settings;
    try {
      await client.setRevocations(revocations, clock.deadline(REVOCATIONS_TIMEOUT_MS, signal));
      return undefined;
    } catch (thrown) {
      const failure = toFailure(thrown, client.node);
      logger.warn({ node: client.node, code: failure.code }, 'an agent was not told of revocations');
      return failure;
    }
  }

  async #ownAuthority(): Promise<Authority> {
    const { means, cluster } = this.#settings;
    const own = (await means.authorities()).find((each) => each.cluster === cluster);
    return own ?? { cluster, certificates: [] };
  }
}

/**
 * The agents, with each snapshot that is saved through them countersigned as it arrives: only a
 * coordinator that asked for a snapshot, and saw it come, vouches for it.
 */
export class SealingAgents implements Agents {
  readonly #agents: Agents;
  readonly #sealing: Sealing;
  readonly #known = new WeakMap<AgentClient, AgentClient>();

  constructor(agents: Agents, sealing: Sealing) {
    this.#agents = agents;
    this.#sealing = sealing;
  }

  known(): readonly AgentAddress[] {
    return this.#agents.known();
  }

  client(address: AgentAddress): AgentClient {
    const plain = this.#agents.client(address);
    const known = this.#known.get(plain) ?? this.#sealingClient(plain);
    this.#known.set(plain, known);
    return known;
  }

  #sealingClient(client: AgentClient): AgentClient {
    const sealing = this.#sealing;
    async function* sealed<Response extends SaveSnapshotResponse | SaveKeptResponse>(
      responses: AsyncIterable<Response>,
      signal: AbortSignal,
    ): AsyncGenerator<SaveSnapshotResponse, void, undefined> {
      for await (const response of responses) {
        const { event } = response;
        if (event?.$case !== 'snapshot') yield response;
        else {
          const value = await sealing.countersigned(client, event.value, signal);
          yield { event: { $case: 'snapshot', value } };
        }
      }
    }
    return {
      ...client,
      saveSnapshot: (request, signal) => sealed(client.saveSnapshot(request, signal), signal),
      saveKept: (request, signal) => sealed(client.saveKept(request, signal), signal),
    };
  }
}

/** With what is made of its seals. */
export function judged(stored: StoredSnapshot, trust: Trust): StoredSnapshot {
  return withTrust(stored, judgeSeals(stored.sealed, trust));
}

function withTrust(stored: StoredSnapshot, distrust: Refusal[]): StoredSnapshot {
  return { ...stored, trust: { signers: signersOf(stored.sealed), distrust } };
}

function sealRefused(node: string, objection?: Refusal): LockstepError {
  const why = objection === undefined ? 'there is no card' : `${objection.code}: ${objection.message}`;
  return new LockstepError('SEAL_REFUSED', { node, message: `${why}.` });
}

/** Throws COPY_SEAL_INVALID where what a store says of a copy is not what an agent sealed. */
export function requireCopySeal({ store, copy, carried, content }: CopyInStore, trust: Trust): void {
  const [objection] = judgeCopySeal(copy, carried, trust, content);
  if (objection === undefined) return;
  throw new LockstepError('COPY_SEAL_INVALID', { node: store, message: objection.message });
}

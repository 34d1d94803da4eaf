import type { Client, MethodDefinition } from '@grpc/grpc-js';
import { deadline } from '@lockstep/shared/deadline.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { OperatorServiceService } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { connect, serverStream, unary } from '@lockstep/shared/transport/client.ts';
import type { OperatorContext } from './config.ts';

/** How long a command waits for an answer. */
export const WAIT_MS = {
  /** Answered from what the coordinator knows. */
  known: 15_000,
  /** Every node is asked. */
  nodes: 60_000,
  /** Every node reads its live store and the snapshot. */
  plan: 10 * 60_000,
  /** A snapshot is read or written whole. */
  snapshot: 30 * 60_000,
  /** The same, restored and served at idle priority. */
  drill: 40 * 60_000,
  /** Every node sends what it holds beside the store, one after the other. */
  evidence: 4 * 60 * 60_000,
} as const;

/** A coordinator that does not say this soon whether it leads is not waited for. */
const CHOICE_WAIT_MS = 3_000;

/**
 * The coordinators of a context, as one. Where there are several, whoever leads is asked, or any
 * that answers where nobody does; chosen anew once that one is gone or leads no more.
 */
export class Coordinator implements Disposable {
  readonly context: OperatorContext;
  readonly #clients: ReadonlyMap<string, Client>;
  readonly #signal: AbortSignal;
  #chosen: string | undefined;

  constructor(context: OperatorContext, signal: AbortSignal) {
    this.context = context;
    this.#signal = signal;
    const { cluster, tls } = context;
    this.#clients = new Map(
      [context.coordinator, ...context.standbys].map((address) => [
        address,
        connect({ address, tls, expected: { cluster, role: 'coordinator' } }),
      ]),
    );
    if (this.#clients.size === 1) this.#chosen = context.coordinator;
  }

  /** "HOST:PORT" of the one that was asked last. */
  get address(): string {
    return this.#chosen ?? this.context.coordinator;
  }

  /** `signal` instead of the command's own lets a call end that Ctrl-C must not cut off half-way. */
  async call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    waitMs: number = WAIT_MS.known,
    signal: AbortSignal = this.#signal,
  ): Promise<Response> {
    const ask = async (): Promise<Response> =>
      unary(await this.#client(), method, request, deadline(waitMs, signal));
    try {
      return await ask();
    } catch (thrown) {
      this.#chooseAnewAfter(thrown);
      // Whoever does not lead has done nothing: the leader is asked in its place, once.
      if (!isNotLeader(thrown) || this.#clients.size === 1) throw thrown;
      return await ask();
    }
  }

  async *stream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    waitMs?: number,
  ): AsyncGenerator<Response, void, undefined> {
    const signal = waitMs === undefined ? this.#signal : deadline(waitMs, this.#signal);
    try {
      yield* serverStream(await this.#client(), method, request, signal);
    } catch (thrown) {
      this.#chooseAnewAfter(thrown);
      throw thrown;
    }
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients.values()) client.close();
  }

  async #client(): Promise<Client> {
    this.#chosen ??= await this.#choose();
    const client = this.#clients.get(this.#chosen);
    if (client === undefined) throw new Error(`no client for ${this.#chosen}`);
    return client;
  }

  async #choose(): Promise<string> {
    const signal = deadline(CHOICE_WAIT_MS, this.#signal);
    const asked = [...this.#clients].map(async ([address, client]) => ({
      address,
      leads: (await unary(client, OperatorServiceService.getVersion, {}, signal)).leads,
    }));
    const leader = await Promise.any(
      asked.map(async (each) => ((await each).leads ? each : Promise.reject(new Error('stands by')))),
    ).catch(() => undefined);
    if (leader !== undefined) return leader.address;
    const answered = await Promise.any(asked).catch(() => undefined);
    return answered?.address ?? this.context.coordinator;
  }

  #chooseAnewAfter(thrown: unknown): void {
    const gone = thrown instanceof LockstepError && thrown.code === 'UNREACHABLE';
    if (this.#clients.size > 1 && (gone || isNotLeader(thrown))) this.#chosen = undefined;
  }
}

function isNotLeader(thrown: unknown): boolean {
  return thrown instanceof LockstepError && thrown.code === 'NOT_LEADER';
}

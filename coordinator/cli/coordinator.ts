import type { Client, MethodDefinition } from '@grpc/grpc-js';
import { connect, serverStream, unary } from '@lockstep/shared/transport/client.ts';
import { deadline } from '@lockstep/shared/waiting.ts';
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
} as const;

/** The coordinator of a context, over one connection. */
export class Coordinator implements Disposable {
  readonly context: OperatorContext;
  readonly #client: Client;
  readonly #signal: AbortSignal;

  constructor(context: OperatorContext, signal: AbortSignal) {
    this.context = context;
    this.#signal = signal;
    this.#client = connect({
      address: context.coordinator,
      tls: context.tls,
      expected: { cluster: context.cluster, role: 'coordinator' },
    });
  }

  /** `signal` instead of the command's own lets a call end that Ctrl-C must not cut off half-way. */
  call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    waitMs: number = WAIT_MS.known,
    signal: AbortSignal = this.#signal,
  ): Promise<Response> {
    return unary(this.#client, method, request, deadline(waitMs, signal));
  }

  stream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    waitMs?: number,
  ): AsyncGenerator<Response, void, undefined> {
    const signal = waitMs === undefined ? this.#signal : deadline(waitMs, this.#signal);
    return serverStream(this.#client, method, request, signal);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

import { once } from 'node:events';
import {
  Client,
  type ClientWritableStream,
  Metadata,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { LockstepError } from '../errors/lockstep-error.ts';
import { createChannelCredentials, type ExpectedPeer } from '../tls/credentials.ts';
import type { TlsFiles } from '../tls/identity.ts';
import { fromServiceError } from './failures.ts';
import { CLIENT_OPTIONS } from './limits.ts';

export interface ConnectionSettings {
  /** "HOST:PORT". */
  readonly address: string;
  readonly tls: TlsFiles;
  readonly expected: ExpectedPeer;
}

/**
 * A connection that is made with the first call, kept, and made again when it breaks; close it
 * with `client.close()`. Calls go through {@link unary} and {@link serverStream} with the
 * methods of the generated service definition: `unary(client, AgentServiceService.describe, …)`.
 */
export function connect({ address, tls, expected }: ConnectionSettings): Client {
  return new Client(address, createChannelCredentials(tls, expected), CLIENT_OPTIONS);
}

/**
 * Calls and waits for the answer. Rejects with the LockstepError of the other side, or
 * UNREACHABLE, NOT_AUTHENTICATED, NOT_AUTHORISED of this one; with the signal's reason where
 * the caller gave up, which also cancels the call on the other side.
 */
export function unary<Request, Response>(
  client: Client,
  method: MethodDefinition<Request, Response>,
  request: Request,
  signal: AbortSignal,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(reasonOf(signal, client));
      return;
    }
    const call = client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      new Metadata(),
      {},
      (error, response) => {
        signal.removeEventListener('abort', cancel);
        if (error === null) resolve(response as Response);
        else reject(signal.aborted ? reasonOf(signal, client) : fromServiceError(error, targetOf(client)));
      },
    );
    const cancel = (): void => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
  });
}

/**
 * Calls and yields what comes, as fast as it is taken. Errors as {@link unary}; leaving the loop
 * early cancels the call on the other side.
 */
export async function* serverStream<Request, Response>(
  client: Client,
  method: MethodDefinition<Request, Response>,
  request: Request,
  signal: AbortSignal,
): AsyncGenerator<Response, void, undefined> {
  if (signal.aborted) throw reasonOf(signal, client);
  const call = client.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
    new Metadata(),
    {},
  );
  const cancel = (): void => call.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    for await (const response of call) yield response as Response;
  } catch (thrown) {
    if (signal.aborted) throw reasonOf(signal, client);
    throw isServiceError(thrown) ? fromServiceError(thrown, targetOf(client)) : thrown;
  } finally {
    signal.removeEventListener('abort', cancel);
    call.cancel();
  }
}

/**
 * Sends what `requests` yields, as fast as the other side takes it, and waits for the answer.
 * Errors as {@link unary}; what `requests` throws ends the call and is thrown. An answer that comes
 * before all was sent counts.
 */
export async function clientStream<Request, Response>(
  client: Client,
  method: MethodDefinition<Request, Response>,
  requests: AsyncIterable<Request>,
  signal: AbortSignal,
): Promise<Response> {
  if (signal.aborted) throw reasonOf(signal, client);
  const { promise: answered, resolve, reject } = Promise.withResolvers<Response>();
  const call = client.makeClientStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    new Metadata(),
    {},
    (error, response) => {
      if (error === null) resolve(response as Response);
      else reject(signal.aborted ? reasonOf(signal, client) : fromServiceError(error, targetOf(client)));
    },
  );
  const cancel = (): void => call.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  const ended = new AbortController();
  const end = (): void => ended.abort();
  answered.then(end, end);
  try {
    await send(call, requests, ended.signal);
    return await answered;
  } catch (thrown) {
    call.cancel();
    // Where the other side has said why, that is the reason; what broke here follows from it.
    if (ended.signal.aborted) return await answered;
    throw thrown;
  } finally {
    signal.removeEventListener('abort', cancel);
    answered.catch(() => undefined);
  }
}

async function send<Request>(
  call: ClientWritableStream<Request>,
  requests: AsyncIterable<Request>,
  answered: AbortSignal,
): Promise<void> {
  for await (const request of requests) {
    if (answered.aborted) return;
    if (!call.write(request)) await once(call, 'drain', { signal: answered }).catch(() => undefined);
  }
  if (!answered.aborted) call.end();
}

/** A deadline that passed is "no answer"; any other abort is the caller's own business. */
function reasonOf(signal: AbortSignal, client: Client): unknown {
  const { reason } = signal;
  if (!(reason instanceof DOMException) || reason.name !== 'TimeoutError') return reason;
  return new LockstepError('UNREACHABLE', {
    message: `${targetOf(client)} did not answer within the deadline.`,
    cause: reason,
  });
}

function targetOf(client: Client): string {
  return client.getChannel().getTarget().replace(/^dns:/, '');
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return thrown instanceof Error && 'code' in thrown && 'details' in thrown;
}

import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import type {
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  ServerReadableStream,
} from '@grpc/grpc-js';
import { systemClock } from '../clock.ts';
import { LockstepError } from '../errors/lockstep-error.ts';
import { unlessSilent } from '../silence.ts';
import type { Identity } from '../tls/identity.ts';
import { callerOf } from './caller.ts';
import { toServiceError } from './failures.ts';

export interface CallContext {
  /** From the certificate; already allowed to call this method. */
  readonly caller: Identity;
  /** Aborts when the caller cancels, hangs up, dies, or its deadline passes. */
  readonly signal: AbortSignal;
}

/** A promise as a gRPC handler. What it throws travels whole: code, words, node, causes. */
export function unaryHandler<Request, Response>(
  answer: (request: Request, context: CallContext) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    void (async () => {
      try {
        callback(null, await answer(call.request, contextOf(call)));
      } catch (thrown) {
        callback(toServiceError(thrown));
      }
    })();
  };
}

/** An async generator as a gRPC handler: it is asked for more only when the caller has room. */
export function streamHandler<Request, Response>(
  answer: (request: Request, context: CallContext) => AsyncIterable<Response>,
): handleServerStreamingCall<Request, Response> {
  return (call) => {
    void (async () => {
      try {
        const context = contextOf(call);
        for await (const response of answer(call.request, context)) {
          if (call.cancelled) return;
          if (!call.write(response)) await once(call, 'drain', { signal: context.signal });
        }
        call.end();
      } catch (thrown) {
        if (!call.cancelled) call.emit('error', toServiceError(thrown));
      }
    })();
  };
}

/**
 * A function over what the caller sends as a gRPC handler: the caller is asked for more only as it
 * is taken, and one that falls silent for `silenceTimeoutMs` while more is awaited has gone.
 */
export function clientStreamHandler<Request, Response>(
  answer: (requests: AsyncIterable<Request>, context: CallContext) => Promise<Response>,
  silenceTimeoutMs: number,
): handleClientStreamingCall<Request, Response> {
  return (call, callback) => {
    void (async () => {
      try {
        const context = contextOf(call);
        callback(null, await answer(received(call, context.signal, silenceTimeoutMs), context));
      } catch (thrown) {
        callback(toServiceError(thrown));
      } finally {
        // What nobody takes any more must not be held for anybody.
        call.resume();
      }
    })();
  };
}

async function* received<Request, Response>(
  call: ServerReadableStream<Request, Response>,
  signal: AbortSignal,
  silenceTimeoutMs: number,
): AsyncGenerator<Request, void, undefined> {
  const requests = call.iterator({ destroyOnReturn: false }) as AsyncIterable<Request>;
  const limit = {
    timeoutMs: silenceTimeoutMs,
    clock: systemClock,
    error: () =>
      new LockstepError('UNREACHABLE', {
        message: `The caller sent nothing for ${silenceTimeoutMs / 1000} s.`,
      }),
  };
  yield* unlessSilent(requests, limit, signal);
  // A call that was cancelled may end as one that is whole does, a moment before it says so.
  await turn();
  signal.throwIfAborted();
}

type AnyCall = Parameters<typeof callerOf>[0] & {
  readonly cancelled: boolean;
  once(event: 'cancelled', listener: () => void): unknown;
};

function contextOf(call: AnyCall): CallContext {
  const controller = new AbortController();
  call.once('cancelled', () => controller.abort(new Error('the caller went away')));
  if (call.cancelled) controller.abort(new Error('the caller went away'));
  return { caller: callerOf(call), signal: controller.signal };
}

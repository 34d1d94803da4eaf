import { once } from 'node:events';
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js';
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

function contextOf<Request, Response>(
  call: ServerUnaryCall<Request, Response> | ServerWritableStream<Request, Response>,
): CallContext {
  const controller = new AbortController();
  call.once('cancelled', () => controller.abort(new Error('the caller went away')));
  if (call.cancelled) controller.abort(new Error('the caller went away'));
  return { caller: callerOf(call), signal: controller.signal };
}

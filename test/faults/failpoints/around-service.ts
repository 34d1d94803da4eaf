import { LEAVING_MS } from './around-ports.ts';
import type { Probe } from './probe.ts';

interface Call {
  readonly request: unknown;
  write?(response: unknown): boolean;
  end?(): void;
}
type Callback = (error: unknown, ...rest: unknown[]) => void;
type Handler = (call: Call, callback?: Callback) => void;

/**
 * Crosses a failpoint before a call is answered, before the answer is handed to gRPC, and after it
 * has left. What is under way on this program meanwhile is that call, or the step that it asks for.
 */
export function aroundService(
  probe: Probe,
  service: object,
  stepOf: (method: string, request: unknown) => string,
): object {
  return Object.fromEntries(
    Object.entries(service as Record<string, Handler>).map(([method, handler]) => {
      probe.noteCall(`service.${method}`);
      const around: Handler = (call, callback) => {
        const step = stepOf(method, call.request);
        const cross = (moment: 'before' | 'after' | 'acknowledged'): void =>
          void probe.cross('service', method, moment, step);
        const left = (): void => void setTimeout(() => cross('acknowledged'), LEAVING_MS);
        probe.within(step, () => {
          cross('before');
          if (callback === undefined) return handler(watched(call, cross, left));
          handler(call, (error, ...rest) => {
            if (error === null) cross('after');
            callback(error, ...rest);
            if (error === null) left();
          });
        });
      };
      return [method, around];
    }),
  );
}

/** A stream's answer is its result, where it has one, else its end. */
function watched(call: Call, cross: (moment: 'after') => void, left: () => void): Call {
  const write = call.write?.bind(call);
  const end = call.end?.bind(call);
  let answered = false;
  const answer = (): void => {
    if (!answered) cross('after');
    answered = true;
  };
  return Object.assign(call, {
    write: (response: { event?: { $case?: string } }) => {
      if (response.event?.$case === 'result') answer();
      return write?.(response);
    },
    end: () => {
      answer();
      end?.();
      left();
    },
  });
}

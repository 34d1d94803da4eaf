import type { Around } from '@lockstep/shared/around.ts';
import type { Clock } from '@lockstep/shared/clock.ts';
import { callName } from './point.ts';
import type { Probe } from './probe.ts';

type Call = (...args: unknown[]) => unknown;

/** How the calls of a port differ from most: what step they belong to, and what else is told of them. */
export interface CallRules {
  /** What is under way, from the arguments; undefined: what the probe knows. */
  readonly step?: (method: string, args: readonly unknown[]) => string | undefined;
  /** The call is answered by another program: there is a moment after it has left. */
  readonly leaves?: boolean;
  /** Resolves when what a call that does not wait has handed over is done. */
  readonly done?: (port: object) => Promise<void>;
}

/** How long a request or an answer that was handed over takes until it has left the process. */
export const LEAVING_MS = 10;

/** Crosses a failpoint before and after every call of a port, and after who called was told. */
export function aroundPort<Port extends object>(
  probe: Probe,
  name: string,
  port: Port,
  rules: CallRules = {},
): Port {
  if (typeof port === 'function') {
    probe.noteCall(name);
    return new Proxy(port, {
      apply: (target, self, args: unknown[]) =>
        aroundCall(probe, name, '', rules, port, args, () => Reflect.apply(target, self, args)),
    });
  }
  const methods = new Map<string, Call>();
  for (const method of methodsOf(port)) {
    probe.noteCall(callName(name, method));
    // On the port itself: private fields are not on a proxy.
    const call = Reflect.get(port, method, port) as Call;
    methods.set(method, (...args) =>
      aroundCall(probe, name, method, rules, port, args, () => Reflect.apply(call, port, args)),
    );
  }
  return new Proxy(port, {
    get: (target, key) =>
      (typeof key === 'string' ? methods.get(key) : undefined) ?? Reflect.get(target, key, target),
  });
}

function aroundCall(
  probe: Probe,
  port: string,
  method: string,
  rules: CallRules,
  target: object,
  args: readonly unknown[],
  call: () => unknown,
): unknown {
  const step = rules.step?.(method, args);
  const cross = (moment: 'before' | 'sent' | 'after' | 'acknowledged') =>
    probe.cross(port, method, moment, step);
  const told = (): void => {
    if (rules.done === undefined) setImmediate(() => void cross('acknowledged'));
    else void rules.done(target).then(() => cross('acknowledged'));
  };
  const go = (): unknown => {
    const answer = call();
    if (rules.leaves === true) setTimeout(() => void cross('sent'), LEAVING_MS);
    if (answer instanceof Promise) {
      return answer.then(async (value: unknown) => {
        await cross('after');
        told();
        return value;
      });
    }
    if (isAsyncIterable(answer)) return aroundStream(answer, cross, told);
    // A call that does not wait cannot be made to.
    void cross('after');
    told();
    return answer;
  };
  const pause = cross('before');
  return pause === undefined ? go() : pause.then(go);
}

async function* aroundStream(
  answer: AsyncIterable<unknown>,
  cross: (moment: 'after') => Promise<void> | undefined,
  told: () => void,
): AsyncGenerator<unknown, void, undefined> {
  yield* answer;
  await cross('after');
  told();
}

/** Every method that the object has, of its own or by its class. */
function methodsOf(port: object): string[] {
  const names = new Set<string>();
  for (let each = port; each !== null && each !== Object.prototype; each = Object.getPrototypeOf(each)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(each))) {
      if (name !== 'constructor' && typeof value === 'function') names.add(name);
    }
  }
  return [...names];
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** A wall clock that is as far ahead as is armed. */
export function aroundClock(probe: Probe, clock: Clock): Clock {
  return { ...clock, nowMs: () => clock.nowMs() + probe.clockAheadMs };
}

export type PortRules = (name: string, port: object) => object;

/** As the programs take it: `rules` returns what stands for a port. */
export function around(rules: PortRules): Around {
  return <Port extends object>(name: string, port: Port) => rules(name, port) as Port;
}

/**
 * A failpoint's name: `PROGRAM:PORT.METHOD:MOMENT@STEP`, such as
 * `agent:stores.exchange:after@STEP_SWAP`. STEP is what is under way on an agent: the step that is
 * executed, or the call that is answered (`Promise`, `ReadLedger`); `start` where neither is. On a
 * coordinator it says which call or which record, and is left out where there is but one kind.
 * `after#2` is the second time within one step.
 */
export interface Point {
  readonly program: 'agent' | 'coordinator';
  readonly port: string;
  /** Empty where the port is one function. */
  readonly method: string;
  readonly moment: Moment;
  /** From 1: which time within one step. */
  readonly occurrence: number;
  readonly step: string;
}

/**
 * - `before`: nothing of the call has happened.
 * - `sent`: a coordinator's call has left for the agent, and no answer is in.
 * - `after`: it is done, and who called has not been told. A call that failed has none.
 * - `acknowledged`: who called has been told, and has gone on as far as it can without waiting; for
 *   an answer to another program: it has left this one.
 */
export const MOMENTS = ['before', 'sent', 'after', 'acknowledged'] as const;
export type Moment = (typeof MOMENTS)[number];

export function pointName({ program, port, method, moment, occurrence, step }: Point): string {
  const time = occurrence === 1 ? '' : `#${occurrence}`;
  return `${program}:${callName(port, method)}:${moment}${time}${step === '' ? '' : `@${step}`}`;
}

export function callName(port: string, method: string): string {
  return method === '' ? port : `${port}.${method}`;
}

const NAME =
  /^(?<program>agent|coordinator):(?<port>\w+)(?:\.(?<method>\w+))?:(?<moment>\w+)(?:#(?<occurrence>\d+))?(?:@(?<step>[\w-]+))?$/;

/** Throws where the name is none. */
export function parsePoint(name: string): Point {
  const parts = NAME.exec(name)?.groups;
  const moment = MOMENTS.find((each) => each === parts?.['moment']);
  if (parts === undefined || moment === undefined) throw new Error(`${name} is no failpoint`);
  return {
    program: parts['program'] === 'agent' ? 'agent' : 'coordinator',
    port: parts['port'] ?? '',
    method: parts['method'] ?? '',
    moment,
    occurrence: Number(parts['occurrence'] ?? 1),
    step: parts['step'] ?? '',
  };
}

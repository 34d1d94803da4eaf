/**
 * What it takes to go on in spite of a refusal. `never`: nothing does. `fault`: not a
 * refusal but an error; there is nothing to override.
 */
export type ErrorClass = 'never' | 'with-reason' | 'second-person' | 'fault';

export interface ErrorEntry {
  readonly class: ErrorClass;
  /** What is true, in one sentence without figures. */
  readonly meaning: string;
  /** What to do, in the imperative. */
  readonly cure: string;
}

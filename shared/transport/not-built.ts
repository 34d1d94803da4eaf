import { LockstepError } from '../errors/lockstep-error.ts';
import { toServiceError } from './failures.ts';

const failure = () =>
  toServiceError(new LockstepError('INTERNAL', { message: 'This call is not built yet.' }));

/** Of the contract, and not built yet: goes with the last call that uses it. */
// biome-ignore lint/suspicious/noExplicitAny: any call whatever
export const notBuilt = (_call: any, callback: (error: ReturnType<typeof failure>) => void): void =>
  callback(failure());

// biome-ignore lint/suspicious/noExplicitAny: any call whatever
export const notBuiltStream = (call: any): void => {
  call.emit('error', failure());
};

import { randomInt } from 'node:crypto';

/** Large enough that no two runs meet, small enough to type. */
const SEEDS = 1_000_000_000;

/** LOCKSTEP_SEED, or a new one; said, so that any run can be had again. */
export function chooseSeed(what: string, environment: NodeJS.ProcessEnv = process.env): number {
  const given = environment['LOCKSTEP_SEED'];
  const seed = given === undefined || given === '' ? randomInt(SEEDS) : Number(given);
  if (!Number.isSafeInteger(seed)) throw new Error(`LOCKSTEP_SEED is no number: ${given}`);
  process.stdout.write(`${what}: LOCKSTEP_SEED=${seed}\n`);
  return seed;
}

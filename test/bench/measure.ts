import { setTimeout as delay } from 'node:timers/promises';
import { adminFiles, apiServers } from '../demo/lab-access.ts';
import type { Lab } from '../lab/lab.ts';
import { outages } from '../lab/prober/availability.ts';
import { Prober } from '../lab/prober/prober.ts';
import { allReady, type Contender } from './contender.ts';

export interface Measurement {
  /** As clients saw it: last write that worked to first that works again. */
  readonly outageMs: number;
  /** How many times the API went away: one, if all is well. */
  readonly outages: number;
}

/** Writes flow for that long before and after, so that both ends are seen. */
const SETTLE_MS = 1_000;

export async function measure(lab: Lab, contender: Contender, signal: AbortSignal): Promise<Measurement> {
  await allReady(lab, signal);
  await contender.prepare(lab, signal);
  await using prober = await Prober.start(apiServers(lab), adminFiles(lab), signal);
  await delay(SETTLE_MS, undefined, { signal });
  await contender.run(lab, signal);
  await prober.waitUp(signal);
  await delay(SETTLE_MS, undefined, { signal });
  await prober.waitUp(signal);
  const outageMs = await prober.stop();
  await contender.tidy(lab, signal);
  await allReady(lab, signal);
  return { outageMs, outages: outages(prober.events).length };
}

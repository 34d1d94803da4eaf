import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { type Totals, totalsSchema } from './totals.ts';

const schema = z.object({
  version: z.literal(1),
  seed: z.number(),
  /** Operations below it are in `totals`, and no other. */
  nextIndex: z.number(),
  totals: totalsSchema,
});

/** A run of many slices: what is done so far. */
export interface SliceState {
  readonly seed: number;
  readonly nextIndex: number;
  readonly totals: Totals;
}

/** Undefined where there is no such file yet. Throws where it is no state of a run. */
export function readSliceFile(path: string): SliceState | undefined {
  if (!existsSync(path)) return undefined;
  const parsed = schema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!parsed.success) throw new Error(`${path} is no state of a simulation: ${parsed.error.message}`);
  return parsed.data;
}

/** Whole or not at all: whoever is killed while writing finds the slice before. */
export function writeSliceFile(path: string, { seed, nextIndex, totals }: SliceState): void {
  const beside = `${path}.new`;
  const fd = openSync(beside, 'w');
  writeSync(fd, `${JSON.stringify({ version: 1, seed, nextIndex, totals })}\n`);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(beside, path);
}

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import { SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import type { Lab } from '../../lab/lab.ts';

const TRAILER_BYTES = 32;
const READ_TIMEOUT_MS = 30_000;

export interface SnapshotFiles {
  readonly bytes: string;
  readonly card: string;
}

/** The files of a snapshot on the one node that holds it. */
export function snapshotFiles(lab: Lab, id: string): SnapshotFiles {
  for (const node of lab.nodes) {
    const directory = node.path('/var/lib/lockstep/snapshots');
    const files = { bytes: join(directory, `${id}.db`), card: join(directory, `${id}.json`) };
    try {
      readFileSync(files.card);
      return files;
    } catch {}
  }
  throw new Error(`no node holds ${id}`);
}

/**
 * Alters a snapshot, runs `during`, and puts it back. `trailer`: whether the file's own SHA-256
 * is made to fit again; `card`: whether the card is made to fit as well, so that nothing but
 * what the snapshot holds, and its seals, can refuse it.
 */
export async function withAlteredSnapshot<T>(
  files: SnapshotFiles,
  alter: (bytes: Buffer) => Buffer,
  fit: { readonly trailer: boolean; readonly card: boolean },
  during: () => Promise<T>,
): Promise<T> {
  const bytes = readFileSync(files.bytes);
  const card = readFileSync(files.card);
  try {
    const altered = alter(Buffer.from(bytes));
    if (fit.trailer) {
      const end = altered.length - TRAILER_BYTES;
      createHash('sha256').update(altered.subarray(0, end)).digest().copy(altered, end);
    }
    writeFileSync(files.bytes, altered);
    if (fit.card) await fitCard(files);
    return await during();
  } finally {
    writeFileSync(files.bytes, bytes);
    writeFileSync(files.card, card);
  }
}

async function fitCard(files: SnapshotFiles): Promise<void> {
  const { card, seals } = JSON.parse(readFileSync(files.card, 'utf8')) as { card: object; seals: object };
  const facts = await readSnapshotFacts(files.bytes, { trailer: 'required' }, deadline(READ_TIMEOUT_MS));
  const fitted = { ...card, facts: SnapshotFacts.toJSON(facts) };
  writeFileSync(files.card, JSON.stringify({ card: fitted, seals }, null, 2));
}

/** Replaces the first occurrence after an anchor; throws where either is missing, so that a test cannot alter nothing. */
export function replaceAfter(
  bytes: Buffer,
  anchor: string | Buffer,
  from: Buffer | string,
  to: Buffer | string,
): Buffer {
  const at = bytes.indexOf(anchor);
  if (at < 0) throw new Error(`no ${String(anchor)} in the snapshot`);
  const found = bytes.indexOf(from, at);
  if (found < 0) throw new Error(`nothing to replace after ${String(anchor)}`);
  const replacement = Buffer.from(to as string);
  replacement.copy(bytes, found);
  return bytes;
}

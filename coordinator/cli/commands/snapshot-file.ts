import { stat } from 'node:fs/promises';
import { deadline } from '@lockstep/shared/deadline.ts';
import { LockstepError, refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { SnapshotVerdict } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import type { Answer } from '../answer.ts';
import type { Invocation } from '../invocation.ts';
import { heading } from '../render/layout.ts';
import { snapshotFacts } from '../render/snapshots.ts';
import { verdictAnswer } from '../verdict-answer.ts';
import type { CopyChoice } from './snapshots.ts';

const READ_TIMEOUT_MS = 1_800_000;

export interface FileOptions {
  /** False for a store copied out of a data directory. */
  readonly trailer: boolean;
}

/** What is in a file; of an id, what the coordinator knows: only then is anything loaded that talks to one. */
export async function showSnapshot(
  invocation: Invocation,
  what: string,
  options: FileOptions,
): Promise<Answer> {
  if (!(await isFile(what))) return await (await import('./snapshots.ts')).showKept(invocation, what);
  const facts = await readFacts(invocation, what, options);
  return {
    data: { file: what, facts },
    names: [what],
    render: (layout) => [heading(layout, `Snapshot ${what}`), '', ...snapshotFacts(layout, facts)],
  };
}

export async function verifySnapshot(
  invocation: Invocation,
  what: string,
  options: FileOptions & CopyChoice,
): Promise<Answer> {
  if (!(await isFile(what)))
    return await (await import('./snapshots.ts')).verifyKept(invocation, what, options);
  return verdictAnswer(what, [await fileVerdict(invocation, what, options)]);
}

async function fileVerdict(
  invocation: Invocation,
  path: string,
  options: FileOptions,
): Promise<SnapshotVerdict> {
  try {
    return { node: path, facts: await readFacts(invocation, path, options), refusals: [], note: '' };
  } catch (error) {
    if (!(error instanceof LockstepError) || !error.code.startsWith('SNAPSHOT_')) throw error;
    return { node: path, facts: undefined, refusals: [refusal(error.code, error.message)], note: '' };
  }
}

function readFacts(invocation: Invocation, path: string, { trailer }: FileOptions) {
  return readSnapshotFacts(
    path,
    { trailer: trailer ? 'required' : 'absent', walkHere: true },
    deadline(READ_TIMEOUT_MS, invocation.signal),
  );
}

/** A name that is also a path means the file: ids are never paths. */
async function isFile(what: string): Promise<boolean> {
  try {
    return (await stat(what)).isFile();
  } catch (cause) {
    if (!what.includes('/') && !what.endsWith('.db')) return false;
    throw new LockstepError('SNAPSHOT_NOT_FOUND', { message: `There is no readable file ${what}.`, cause });
  }
}

import { open, readFile } from 'node:fs/promises';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { SnapshotMarks } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { marksFromText, marksToText, mergeMarks } from '@lockstep/shared/marks.ts';
import { renameDurably, syncOrFail, writeAll } from './durable.ts';

/** Of a file of marks that cannot be read: it may have held a pin, so it counts as one. */
const UNREADABLE_AT = '1970-01-01T00:00:00.000Z';

/**
 * What is known of one snapshot beside its card. A file that cannot be read pins the snapshot; undefined
 * where there is none.
 */
export async function readMarks(
  path: string,
  snapshotId: string,
  node: string,
): Promise<SnapshotMarks | undefined> {
  try {
    return await read(path, snapshotId);
  } catch {
    const reason = `its marks on ${node} cannot be read`;
    const pin = { by: '', reason, at: UNREADABLE_AT, evidence: false, removedAt: '' };
    return { snapshotId, pins: [pin], proofs: [] };
  }
}

/**
 * Adds to what is known, durably: afterwards the file holds what it held and the new, or what it
 * held. Throws MARKS_UNREADABLE, and leaves such a file as it is.
 */
export async function addMarks(path: string, marks: SnapshotMarks, node: string): Promise<SnapshotMarks> {
  const { snapshotId } = marks;
  const before = await read(path, snapshotId).catch((cause: unknown) => {
    throw new LockstepError('MARKS_UNREADABLE', {
      node,
      message: `The marks of ${snapshotId} on ${node} cannot be read.`,
      cause,
    });
  });
  const merged = mergeMarks(snapshotId, before, marks);
  const part = `${path}.part`;
  {
    await using handle = await open(part, 'w', 0o600);
    await writeAll(handle, Buffer.from(marksToText(merged)), part);
    await syncOrFail(handle, part);
  }
  await renameDurably(part, path);
  return merged;
}

async function read(path: string, snapshotId: string): Promise<SnapshotMarks | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const marks = marksFromText(text);
  if (marks.snapshotId !== snapshotId) throw new Error(`they are of ${marks.snapshotId}`);
  return marks;
}

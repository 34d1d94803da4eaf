import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { ImportHead, ImportSnapshotRequest } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { StoredSnapshot } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { type CarriedCard, carriedCard } from '@lockstep/shared/seal/card.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import { syncOrFail, writeAll } from './durable.ts';
import { decode } from './encoding.ts';
import { refuseFullDisk } from './free-space.ts';
import { cardDifferences, type SnapshotStore } from './store.ts';

/**
 * Takes a stored copy in: the stored bytes are held against the copy's digest, the plain ones
 * against the card, as they pass; the whole is read by our own reader before it is kept. Where
 * anything differs nothing of it stays; of one that is only to be proven nothing is ever written,
 * and nothing is returned. Throws COPY_DAMAGED, COPY_KEY_WRONG, SNAPSHOT_*, DISK_FULL.
 */
export async function importSnapshot(
  { node, store }: { readonly node: string; readonly store: SnapshotStore },
  parts: AsyncIterable<ImportSnapshotRequest>,
  signal: AbortSignal,
): Promise<StoredSnapshot | undefined> {
  const stream = parts[Symbol.asyncIterator]();
  const { head, carried } = await headOf(stream);
  const { card } = carried;
  if (head.proveOnly) {
    // The digest of the card is of every byte: what has it is what was read when it was taken.
    await unpack(stream, head, carried, async () => undefined, signal);
    return undefined;
  }
  await store.prepare();
  const part = store.savingOf(card.id);
  await refuseFullDisk(dirname(part), card.facts?.fileSizeBytes ?? 0n);
  try {
    await write(part, stream, head, carried, signal);
    const facts = await readSnapshotFacts(part, { trailer: 'required' }, signal);
    const differences = cardDifferences(card, facts);
    if (differences.length > 0) {
      throw new LockstepError('SNAPSHOT_CARD_MISMATCH', {
        node,
        message: `${card.id}: ${differences.join('; ')}.`,
      });
    }
    return await store.keep(carried, part);
  } finally {
    // After it was kept there is none of that name.
    await rm(part, { force: true });
  }
}

async function headOf(
  stream: AsyncIterator<ImportSnapshotRequest>,
): Promise<{ head: ImportHead; carried: CarriedCard }> {
  const first = await stream.next();
  const part = first.done === true ? undefined : first.value.part;
  const head = part?.$case === 'head' ? part.value : undefined;
  const carried = carriedCard(head?.card, head?.sealed);
  if (head === undefined || carried === undefined || head.copy === undefined) {
    throw new LockstepError('USAGE', { message: 'An import begins with the card and the copy.' });
  }
  if (head.copy.snapshotId !== carried.card.id) {
    throw new LockstepError('COPY_DAMAGED', {
      message: `The copy is of ${head.copy.snapshotId}, its card of ${carried.card.id}.`,
    });
  }
  return { head, carried };
}

async function write(
  path: string,
  stream: AsyncIterator<ImportSnapshotRequest>,
  head: ImportHead,
  carried: CarriedCard,
  signal: AbortSignal,
): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  await unpack(stream, head, carried, (bytes) => writeAll(file, bytes, path), signal);
  await syncOrFail(file, path);
}

/** The plain bytes to `take`, and both digests held against what was said of them. */
async function unpack(
  stream: AsyncIterator<ImportSnapshotRequest>,
  { copy, fileKey }: ImportHead,
  { card }: CarriedCard,
  take: (plain: Uint8Array) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const totalBytes = card.facts?.fileSizeBytes ?? 0n;
  const stored = createHash('sha256');
  const plain = createHash('sha256');
  let storedBytes = 0n;
  let plainBytes = 0n;
  async function* received(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const next = await stream.next();
      if (next.done === true) return;
      if (next.value.part?.$case !== 'data') continue;
      const bytes = next.value.part.value;
      stored.update(bytes);
      storedBytes += BigInt(bytes.length);
      yield bytes;
    }
  }

  for await (const bytes of decode(received(), copy?.encoding ?? 0, fileKey)) {
    signal.throwIfAborted();
    plainBytes += BigInt(bytes.length);
    // What unpacks to more than it may must not fill this node's disk.
    if (plainBytes > totalBytes) {
      throw new LockstepError('COPY_DAMAGED', {
        message: `The copy of ${card.id} unpacks to more than the ${totalBytes} bytes of its card.`,
      });
    }
    plain.update(bytes);
    await take(bytes);
  }

  const storedSha256 = stored.digest('hex');
  if (storedSha256 !== copy?.sha256 || storedBytes !== copy.sizeBytes) {
    throw new LockstepError('COPY_DAMAGED', {
      message: `The copy of ${card.id} has ${storedBytes} bytes with digest ${storedSha256}; stored were ${copy?.sizeBytes} with ${copy?.sha256}.`,
    });
  }
  const plainSha256 = plain.digest('hex');
  if (plainSha256 !== card.facts?.fileSha256) {
    throw new LockstepError('SNAPSHOT_CARD_MISMATCH', {
      message: `The bytes of ${card.id} have digest ${plainSha256}; the card says ${card.facts?.fileSha256}.`,
    });
  }
}

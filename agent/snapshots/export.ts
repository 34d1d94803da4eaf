import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { ageHeadOf } from '@lockstep/shared/age-head.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type {
  ExportSnapshotRequest,
  ExportSnapshotResponse,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Encoding, type Seal, StoredCopy } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { encode } from './encoding.ts';
import type { SnapshotStore } from './store.ts';

const READ_BYTES = 1024 * 1024;

export interface ExportDependencies {
  readonly node: string;
  readonly store: SnapshotStore;
  readonly now: () => number;
  /** Signs what was sent; undefined where this agent has nothing to sign with. */
  readonly seal: (copy: StoredCopy) => Promise<Seal | undefined>;
}

/**
 * A snapshot as a store is to hold it, and last the word on what was sent. The plain bytes are held
 * against the card as they go: what rotted here is not copied. Throws SNAPSHOT_NOT_FOUND,
 * SNAPSHOT_CARD_MISMATCH, CONFIG_INVALID.
 */
export async function* exportSnapshot(
  { node, store, now, seal }: ExportDependencies,
  { snapshotId, store: storeName, recipients }: ExportSnapshotRequest,
  signal: AbortSignal,
): AsyncGenerator<ExportSnapshotResponse, void, undefined> {
  const { card } = await store.get(snapshotId);
  const plain = createHash('sha256');
  async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
    const file = createReadStream(store.pathOf(snapshotId), { highWaterMark: READ_BYTES, signal });
    for await (const bytes of file as AsyncIterable<Buffer>) {
      plain.update(bytes);
      yield bytes;
    }
  }

  const stored = createHash('sha256');
  let sizeBytes = 0;
  let start: Buffer = Buffer.alloc(0);
  let headSha256 = '';
  for await (const bytes of encode(read(), recipients)) {
    stored.update(bytes);
    sizeBytes += bytes.length;
    if (headSha256 === '' && recipients.length > 0) {
      start = Buffer.concat([start, bytes]);
      const head = ageHeadOf(start);
      if (head !== undefined) headSha256 = sha256Hex(head);
    }
    yield { event: { $case: 'data', value: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) } };
  }

  const found = plain.digest('hex');
  if (found !== card.facts?.fileSha256) {
    throw new LockstepError('SNAPSHOT_CARD_MISMATCH', {
      node,
      message: `The bytes of ${snapshotId} on ${node} have digest ${found}; the card says ${card.facts?.fileSha256}.`,
    });
  }
  const copy = StoredCopy.fromPartial({
    snapshotId,
    store: storeName,
    encoding: recipients.length > 0 ? Encoding.ENCODING_ZSTD_AGE : Encoding.ENCODING_ZSTD,
    sha256: stored.digest('hex'),
    sizeBytes: BigInt(sizeBytes),
    recipients,
    storedAt: new Date(now()).toISOString(),
    headSha256,
  });
  yield { event: { $case: 'copy', value: { ...copy, seal: await seal(copy) } } };
}

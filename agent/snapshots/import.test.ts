import { createHash, randomBytes } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { ImportHead, type ImportSnapshotRequest } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Encoding, SnapshotCard, StoredCopy } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, it } from 'vitest';
import { importSnapshot } from './import.ts';
import type { SnapshotStore } from './store.ts';

const PLAIN = Buffer.concat([randomBytes(300_000), Buffer.alloc(300_000, 'lockstep ')]);
const STORED = zstdCompressSync(PLAIN);

/** Whatever is asked of it, and every path that it could name, is asked in vain. */
const noStore = new Proxy({} as SnapshotStore, {
  get: (_none, name) => {
    throw new Error(`store.${String(name)} was asked for`);
  },
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function* parts(
  stored: Uint8Array,
  said: { readonly storedSha256?: string; readonly plainSha256?: string; readonly plainSizeBytes?: bigint },
): AsyncGenerator<ImportSnapshotRequest, void, undefined> {
  const { storedSha256 = sha256(STORED), plainSha256 = sha256(PLAIN) } = said;
  const fileSizeBytes = said.plainSizeBytes ?? BigInt(PLAIN.length);
  const value = ImportHead.fromPartial({
    card: SnapshotCard.fromPartial({ id: 's-1', facts: { fileSha256: plainSha256, fileSizeBytes } }),
    copy: StoredCopy.fromPartial({
      snapshotId: 's-1',
      encoding: Encoding.ENCODING_ZSTD,
      sha256: storedSha256,
      sizeBytes: BigInt(STORED.length),
    }),
    proveOnly: true,
  });
  yield { part: { $case: 'head', value } };
  for (let at = 0; at < stored.length; at += 50_000) {
    yield { part: { $case: 'data', value: Buffer.from(stored.subarray(at, at + 50_000)) } };
  }
}

const prove = (of: AsyncIterable<ImportSnapshotRequest>) =>
  importSnapshot({ node: 'cp1', store: noStore }, of, AbortSignal.timeout(10_000));

describe('a copy that is only to be proven', () => {
  it('is held against both digests, and written nowhere', async () => {
    await expect(prove(parts(STORED, {}))).resolves.toBeUndefined();
  });

  it.each([
    ['is not what was stored', STORED, { storedSha256: sha256(PLAIN) }, 'COPY_DAMAGED'],
    ['was cut off', STORED.subarray(0, -10), {}, 'COPY_DAMAGED'],
    ['unpacks to more than its card says', STORED, { plainSizeBytes: 500_000n }, 'COPY_DAMAGED'],
    ['is another snapshot', STORED, { plainSha256: sha256(STORED) }, 'SNAPSHOT_CARD_MISMATCH'],
  ])('is refused where it %s', async (_what, stored, said, code) => {
    await expect(prove(parts(stored, said))).rejects.toMatchObject({ code });
  });
});

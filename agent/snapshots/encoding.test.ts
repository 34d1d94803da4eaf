import { randomBytes } from 'node:crypto';
import { ageHeadOf } from '@lockstep/shared/age-head.ts';
import { Encoding } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { Decrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { describe, expect, it } from 'vitest';
import { decode, encode } from './encoding.ts';

const PIECE = 100_000;
const AGE = Encoding.ENCODING_ZSTD_AGE;
const none = new Uint8Array();

/** Half of it compresses, half does not. */
const plain = Buffer.concat([Buffer.alloc(3 * PIECE, 'lockstep '), randomBytes(3 * PIECE)]);

async function* pieces(bytes: Uint8Array, size = PIECE): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function whole(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

async function encrypted(): Promise<{ stored: Buffer; fileKey: Uint8Array }> {
  const identity = await generateIdentity();
  const stored = await whole(encode(pieces(plain), [await identityToRecipient(identity)]));
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const head = ageHeadOf(stored);
  if (head === undefined) throw new Error('no head');
  return { stored, fileKey: await decrypter.decryptHeader(head) };
}

describe('a stored copy', () => {
  it('of a snapshot is smaller, and is the snapshot again', async () => {
    const stored = await whole(encode(pieces(plain), []));
    expect(stored.length).toBeLessThan(plain.length * 0.6);
    expect((await whole(decode(pieces(stored), Encoding.ENCODING_ZSTD, none))).equals(plain)).toBe(true);
  });

  it('that is encrypted opens with the key of that one file', async () => {
    const { stored, fileKey } = await encrypted();
    expect(stored.includes('lockstep lockstep')).toBe(false);
    for (const size of [1_000, 64 * 1024 + 16, stored.length]) {
      expect((await whole(decode(pieces(stored, size), AGE, fileKey))).equals(plain)).toBe(true);
    }
  });

  it('opens with no other key', async () => {
    const { stored } = await encrypted();
    await expect(whole(decode(pieces(stored), AGE, randomBytes(16)))).rejects.toMatchObject({
      code: 'COPY_KEY_WRONG',
    });
  });

  it.each([
    ['a byte of its head', 30],
    ['a byte in its middle', 200_000],
  ])('is refused where %s differs', async (_what, at) => {
    const { stored, fileKey } = await encrypted();
    stored[at] = (stored[at] ?? 0) ^ 1;
    await expect(whole(decode(pieces(stored), AGE, fileKey))).rejects.toMatchObject({
      code: expect.stringMatching(/^COPY_(DAMAGED|KEY_WRONG)$/),
    });
  });

  it.each([AGE, Encoding.ENCODING_ZSTD])('is refused where it is cut off (%s)', async (encoding) => {
    const { stored, fileKey } =
      encoding === AGE
        ? await encrypted()
        : { stored: await whole(encode(pieces(plain), [])), fileKey: none };
    const short = stored.subarray(0, stored.length - 50_000);
    await expect(whole(decode(pieces(short), encoding, fileKey))).rejects.toMatchObject({
      code: 'COPY_DAMAGED',
    });
  });

  it('says why its source ended, both ways', async () => {
    const cause = new Error('the disk failed');
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield plain.subarray(0, PIECE);
      throw cause;
    }
    await expect(whole(encode(broken(), []))).rejects.toBe(cause);
    await expect(whole(decode(broken(), Encoding.ENCODING_ZSTD, none))).rejects.toSatisfy(
      // What does not unpack may be found before its source ends.
      (error) => error === cause || (error as { code?: string }).code === 'COPY_DAMAGED',
    );
  });

  it('asks its source for no more than is taken', async () => {
    let given = 0;
    let ended = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          given += 1;
          yield randomBytes(PIECE);
        }
      } finally {
        ended = true;
      }
    }
    const identity = await generateIdentity();
    for await (const _ of encode(endless(), [await identityToRecipient(identity)])) break;
    await expect.poll(() => ended).toBe(true);
    expect(given).toBeLessThan(20);
  });
});

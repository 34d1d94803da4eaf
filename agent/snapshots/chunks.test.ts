import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES, packChunk, unpackChunk } from './chunks.ts';

describe('chunks', () => {
  it.each([
    ['what compresses', Buffer.alloc(100_000, 'lockstep '), true],
    ['what does not', randomBytes(100_000), false],
    ['nothing', Buffer.alloc(0), false],
  ])('carry %s unchanged', async (_name, plain, compressed) => {
    const chunk = await packChunk(plain, 7n, 100_007n);
    expect(chunk).toMatchObject({ offsetBytes: 7n, totalSizeBytes: 100_007n, compressed });
    expect(Buffer.from(await unpackChunk(chunk)).equals(plain)).toBe(true);
  });

  it('are refused where a byte differs', async () => {
    const chunk = await packChunk(randomBytes(1000), 0n, 1000n);
    chunk.data[10] = (chunk.data[10] ?? 0) ^ 1;
    await expect(unpackChunk(chunk)).rejects.toMatchObject({ code: 'PULL_FAILED' });
  });

  it('are refused where they unpack to more than they may, whatever they claim', async () => {
    const bomb = await packChunk(Buffer.alloc(CHUNK_BYTES * 8), 0n, 8n);
    await expect(unpackChunk(bomb)).rejects.toMatchObject({ code: 'PULL_FAILED' });
    await expect(unpackChunk({ ...bomb, plainSizeBytes: 10n })).rejects.toMatchObject({
      code: 'PULL_FAILED',
    });
  });
});

import { describe, expect, it } from 'vitest';
import { CRC32C_START, finishCrc32c, updateCrc32c, updateCrc32cSmall } from './crc32c.ts';

const small = (bytes: Uint8Array) => finishCrc32c(updateCrc32cSmall(CRC32C_START, bytes));

describe('CRC-32C', () => {
  it.each([
    ['the usual check', Buffer.from('123456789'), 0xe3069283],
    ['nothing', Buffer.alloc(0), 0],
    // RFC 3720, B.4.
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['ascending', Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e],
  ])('of %s', (_name, bytes, expected) => {
    expect(small(bytes)).toBe(expected);
  });

  it('is the same sixteen bytes at a time, from and to anywhere', () => {
    const bytes = Buffer.from(new ArrayBuffer(200));
    for (let index = 0; index < bytes.length; index++) bytes[index] = (index * 37) ^ (index >> 2);
    const words = new Int32Array(bytes.buffer);
    const differing: string[] = [];
    for (let start = 0; start < 20; start++) {
      for (let end = start; end <= bytes.length; end++) {
        const fast = finishCrc32c(updateCrc32c(CRC32C_START, bytes, words, start, end));
        if (fast !== small(bytes.subarray(start, end))) differing.push(`[${start}, ${end})`);
      }
    }
    expect(differing).toEqual([]);
  });

  it('goes on from where it stopped', () => {
    const bytes = Buffer.from('one and another');
    const state = updateCrc32cSmall(CRC32C_START, bytes.subarray(0, 5));
    expect(finishCrc32c(updateCrc32cSmall(state, bytes.subarray(5)))).toBe(small(bytes));
  });
});

import { describe, expect, it } from 'vitest';
import { encodeRevision, Revision } from './revision.ts';

function parse(bytes: Buffer): Revision {
  const revision = new Revision();
  revision.parse(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length);
  return revision;
}

describe('Revision', () => {
  it('is what was encoded', () => {
    for (const [main, sub] of [
      [0, 0],
      [7, 127],
      [2 ** 40 + 5, 2 ** 33],
      [Number.MAX_SAFE_INTEGER, 1],
    ] as const) {
      expect(parse(encodeRevision(main, sub))).toMatchObject({ main, sub, tombstone: false });
    }
  });

  it('knows a tombstone', () => {
    expect(parse(Buffer.concat([encodeRevision(3, 0), Buffer.from('t')])).tombstone).toBe(true);
  });

  it.each([
    ['too short', encodeRevision(1, 0).subarray(0, 16)],
    ['too long', Buffer.concat([encodeRevision(1, 0), Buffer.from('tt')])],
    ['another separator', Buffer.from(encodeRevision(1, 0).toString('latin1').replace('_', '-'), 'latin1')],
    ['another mark', Buffer.concat([encodeRevision(1, 0), Buffer.from('x')])],
    ['a negative revision', Buffer.concat([Buffer.alloc(8, 0xff), encodeRevision(1, 0).subarray(8)])],
  ])('refuses %s', (_name, bytes) => {
    expect(() => parse(bytes)).toThrow(expect.objectContaining({ code: 'SNAPSHOT_CORRUPT' }));
  });
});

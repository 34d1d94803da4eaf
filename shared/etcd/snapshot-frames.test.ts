import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SnapshotResponse } from '../generated/etcd/etcdserverpb/rpc.ts';
import { SnapshotFrames } from './snapshot-frames.ts';

/** As a member sends it: each message in a frame of its own. */
function frame(message: Partial<SnapshotResponse>): Buffer {
  const body = Buffer.from(SnapshotResponse.encode(SnapshotResponse.fromPartial(message)).finish());
  const header = Buffer.alloc(5);
  header.writeUInt32BE(body.length, 1);
  return Buffer.concat([header, body]);
}

function framesOf(blobs: readonly Uint8Array[]): Buffer {
  let remaining = blobs.reduce((sum, blob) => sum + blob.length, 0);
  return Buffer.concat(
    blobs.map((blob) => {
      remaining -= blob.length;
      return frame({ remainingBytes: BigInt(remaining), blob: Buffer.from(blob), version: '3.6.0' });
    }),
  );
}

describe('the frames of a snapshot stream', () => {
  it('give their blobs, wherever the wire cuts them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 400 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1 }),
        (blobs, lengths) => {
          const bytes = framesOf(blobs);
          const frames = new SnapshotFrames();
          const pieces: Uint8Array[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const length = lengths[turn % lengths.length]!;
            pieces.push(...frames.take(bytes.subarray(at, at + length)));
            expect(frames.isComplete || at + length <= bytes.length).toBe(true);
            at += length;
          }
          expect(Buffer.concat(pieces).equals(Buffer.concat(blobs))).toBe(true);
          expect(frames.isComplete).toBe(true);
          expect(frames.promisedBytes).toBe(BigInt(Buffer.concat(blobs).length));
        },
      ),
    );
  });

  it('are not complete anywhere but between two of them', () => {
    const bytes = frame({ remainingBytes: 7n, blob: Buffer.from('abc') });
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const frames = new SnapshotFrames();
      frames.take(bytes.subarray(0, cut));
      expect(frames.isComplete).toBe(false);
    }
  });

  it('hand on views, not copies', () => {
    const bytes = frame({ blob: Buffer.from('abc') });
    const [piece] = new SnapshotFrames().take(bytes);
    expect(piece?.buffer).toBe(bytes.buffer);
  });

  it.each([
    ['compressed', Buffer.from([1, 0, 0, 0, 0]), /compressed/u],
    [
      'with a field longer than its message',
      Buffer.from([0, 0, 0, 0, 2, 0x1a, 5]),
      /longer than its message/u,
    ],
    ['ending within a number', Buffer.from([0, 0, 0, 0, 2, 0x10, 0x80]), /within a field/u],
    ['ending before a value', Buffer.from([0, 0, 0, 0, 1, 0x10]), /within a field/u],
    [
      'with a number without an end',
      Buffer.concat([Buffer.from([0, 0, 0, 0, 20, 0x10]), Buffer.alloc(19, 0x80)]),
      /without an end/u,
    ],
    ['with a wire type that etcd does not use', Buffer.from([0, 0, 0, 0, 2, 0x1d, 5]), /wire type 5/u],
  ])('are refused %s', (_what, bytes, why) => {
    expect(() => new SnapshotFrames().take(bytes)).toThrow(why);
  });
});

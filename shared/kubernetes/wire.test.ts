import { describe, expect, it } from 'vitest';
import { message, textMap } from './testing/wire-writer.ts';
import { WireMessage } from './wire.ts';

const parse = (bytes: Uint8Array) => WireMessage.parse(bytes);

describe('WireMessage', () => {
  it('reads fields by number', () => {
    const read = parse(
      message([1, 'name'], [2, message([3, 5n])], [7, true], ...textMap(4, { a: 'b', c: '' })),
    );
    expect(read?.text(1)).toBe('name');
    expect(read?.message(2)?.varint(3)).toBe(5n);
    expect(read?.varint(7)).toBe(1n);
    expect(read?.textMap(4)).toEqual(
      new Map([
        ['a', 'b'],
        ['c', ''],
      ]),
    );
    expect(read?.text(99)).toBe('');
    expect(read?.message(99)).toBeUndefined();
  });

  it('takes the last of several, or all', () => {
    const read = parse(message([1, 'old'], [1, 'new'], [2, 1n], [2, 2n]));
    expect(read?.text(1)).toBe('new');
    expect(read?.varint(2)).toBe(2n);
    expect(read?.allBytes(1)).toHaveLength(2);
  });

  it('keeps all 64 bits', () => {
    expect(parse(message([1, -1n]))?.varint(1)).toBe(2n ** 64n - 1n);
  });

  it('skips fixed-length fields', () => {
    const fixed = Buffer.from([0x09, ...Buffer.alloc(8), 0x15, ...Buffer.alloc(4)]);
    expect(parse(Buffer.concat([fixed, message([3, 'x'])]))?.text(3)).toBe('x');
  });

  it.each([
    ['cut off', message([1, 'name']).subarray(0, 4)],
    ['a fixed field cut off', Buffer.from([0x09, 0, 0])],
    ['a length beyond 2^53', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])],
    ['field 0', Buffer.from([0x00, 0x01])],
    ['a group', Buffer.from([0x0b])],
  ])('is no message: %s', (_name, bytes) => {
    expect(parse(bytes)).toBeUndefined();
  });
});

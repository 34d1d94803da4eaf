import { describe, expect, it } from 'vitest';
import { message } from '../kubernetes/testing/wire-writer.ts';
import { KeyValue } from './key-value.ts';

function parse(bytes: Buffer) {
  const keyValue = new KeyValue();
  keyValue.parse(bytes, 0, bytes.length);
  return {
    key: bytes.toString('latin1', keyValue.keyStart, keyValue.keyEnd),
    value: bytes.toString('latin1', keyValue.valueStart, keyValue.valueEnd),
    modRevision: keyValue.modRevision,
    hasLease: keyValue.hasLease,
  };
}

describe('KeyValue', () => {
  it('finds key and value', () => {
    const row = message(
      [1, '/registry/pods/a'],
      [2, 3n],
      [3, 1n << 40n],
      [4, 2n],
      [5, 'x'.repeat(300)],
      [6, 9n],
    );
    expect(parse(row)).toEqual({
      key: '/registry/pods/a',
      value: 'x'.repeat(300),
      modRevision: 2 ** 40,
      hasLease: true,
    });
  });

  it('takes an empty row, as a bump leaves it', () => {
    expect(parse(Buffer.alloc(0))).toEqual({ key: '', value: '', modRevision: 0, hasLease: false });
  });

  it('skips fields that it does not know', () => {
    expect(parse(message([1, 'k'], [99, 'later'], [98, 5n], [5, 'v']))).toMatchObject({
      key: 'k',
      value: 'v',
    });
  });

  it.each([
    ['a length beyond the row', Buffer.from([0x0a, 0x05, 0x61])],
    ['a varint without end', Buffer.from([0x10, 0xff])],
    ['a varint of eleven bytes', Buffer.from([0x10, ...Array<number>(10).fill(0xff), 1])],
    ['a group', Buffer.from([0x0b])],
    ['field 0', Buffer.from([0x00, 0x00])],
    ['a key that is a number', message([1, 5n])],
    ['a revision that is text', message([3, 'x'])],
  ])('refuses %s', (_name, bytes) => {
    expect(() => parse(bytes)).toThrow(expect.objectContaining({ code: 'SNAPSHOT_CORRUPT' }));
  });
});

import { describe, expect, it } from 'vitest';
import { parseCbor } from './cbor.ts';
import { Decoder } from './decode.ts';
import { Malformed } from './wire-cursor.ts';

const parse = (hexadecimal: string): unknown => parseCbor(Buffer.from(hexadecimal, 'hex'));

describe('parseCbor', () => {
  // The examples of RFC 8949, appendix A, as far as JSON has them.
  it.each([
    ['00', 0],
    ['1903e8', 1000],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['1bffffffffffffffff', '18446744073709551615'],
    ['29', -10],
    ['3903e7', -1000],
    ['f93c00', 1],
    ['f97bff', 65_504],
    ['f90001', 5.960464477539063e-8],
    ['fa47c35000', 100_000],
    ['fb3ff199999999999a', 1.1],
    ['fbc010666666666666', -4.1],
    ['f4', false],
    ['f5', true],
    ['f6', null],
    ['6449455446', 'IETF'],
    ['4449455446', 'IETF'],
    ['62c3bc', 'ü'],
    ['83010203', [1, 2, 3]],
    ['a26161016162820203', { a: 1, b: [2, 3] }],
    ['7f657374726561646d696e67ff', 'streaming'],
    ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
    ['bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
  ])('reads %s', (hexadecimal, value) => {
    expect(parse(hexadecimal)).toEqual(value);
  });

  it.each([
    ['bytes that are shown as base64', 'd64401020304', 'AQIDBA=='],
    ['bytes that are shown as hexadecimal', 'd74401020304', '01020304'],
    ['what describes itself', 'd9d9f7f5', true],
    ['keys, in the order of JSON', 'a2416202426161f5', { aa: true, b: 2 }],
  ])('reads %s', (_what, hexadecimal, value) => {
    expect(JSON.stringify(parse(hexadecimal))).toBe(JSON.stringify(value));
  });

  it.each([
    ['cut off', '1903'],
    ['a text cut off', '6449'],
    ['an endless list', '9f0102'],
    ['a list of more items than bytes', '9bffffffffffffffff'],
    ['a key twice', 'a2416101416102'],
    ['a key that is no text', 'a10102'],
    ['no number', 'f97e00'],
    ['undefined', 'f7'],
    ['a length that is none', '1c'],
    ['two items', '0000'],
    ['too deep', '81'.repeat(5000)],
  ])('refuses %s', (_what, hexadecimal) => {
    expect(() => parse(hexadecimal)).toThrow(Malformed);
  });

  it('keeps __proto__ a key', () => {
    const object = parse('a1495f5f70726f746f5f5fa1416101') as object;
    expect(Object.keys(object)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
  });
});

it('is decoded as kube-apiserver stores it', () => {
  const value = Buffer.from(
    'd9d9f7a3446b696e64455468696e67486d65746164617461a1446e616d6541614a61706956657273696f6e427631',
    'hex',
  );
  expect(new Decoder().decode(value, { key: '/registry/x/a', modRevision: 9 })).toEqual({
    form: 'object',
    described: true,
    storedAs: 'cbor',
    object: { apiVersion: 'v1', kind: 'Thing', metadata: { name: 'a', resourceVersion: '9' } },
  });
});

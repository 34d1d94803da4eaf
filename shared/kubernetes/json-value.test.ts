import { expect, it } from 'vitest';
import { MAX_JSON_DEPTH, parseJson } from './json-value.ts';

it('keeps the digits that no number holds', () => {
  expect(
    parseJson('{"a":[9007199254740993,-9223372036854775808,9007199254740991,0.1234567890123456]}'),
  ).toEqual({
    a: ['9007199254740993', '-9223372036854775808', 9_007_199_254_740_991, 0.1234567890123456],
  });
});

it.each(['', '{', 'nul', '{"a":1}x'])('is undefined for what is no JSON: %s', (text) => {
  expect(parseJson(text)).toBeUndefined();
});

it('bounds the depth, and counts no brackets of texts', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  expect(JSON.stringify(parseJson(nested(MAX_JSON_DEPTH)))).toBe(nested(MAX_JSON_DEPTH));
  expect(parseJson(nested(MAX_JSON_DEPTH + 1))).toBeUndefined();
  expect(parseJson(`["${'[\\"'.repeat(3000)}"]`)).toEqual(['["'.repeat(3000)]);
});

it('takes the last of a key that is there twice, and __proto__ for a key', () => {
  expect(parseJson('{"a":1,"a":2}')).toEqual({ a: 2 });
  const object = parseJson('{"__proto__":{"polluted":true}}') as object;
  expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
});

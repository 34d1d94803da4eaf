import { expect, test } from 'vitest';

import { prefixEnd } from './keys.ts';

test.each([
  [
    [0x61, 0x62],
    [0x61, 0x63],
  ],
  [[0x61, 0xff], [0x62]],
  [[0xff, 0xff], [0]],
  [[], [0]],
])('the range of prefix %j ends before %j', (prefix, end) => {
  expect([...prefixEnd(Uint8Array.from(prefix))]).toEqual(end);
});

test('a prefix given as a Buffer stays as it is', () => {
  const prefix = Buffer.from('/registry/');
  prefixEnd(prefix);
  expect(prefix.toString()).toBe('/registry/');
});

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

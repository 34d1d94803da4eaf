import { expect, test } from 'vitest';
import { pathSegment } from './path-segment.ts';

test.each([
  ['etcd-cp1', 'etcd-cp1'],
  ['system:node', 'system:node'],
  ['..', '%2E.'],
  ['.', '%2E'],
  ['../../etc/passwd', '%2E.%2F..%2Fetc%2Fpasswd'],
  ['a/b', 'a%2Fb'],
  ['a%2Fb', 'a%252Fb'],
  ['', '%'],
  ['a\0b', 'a%00b'],
  ['.hidden', '%2Ehidden'],
  ['für', 'f%C3%BCr'],
  ['\u001b[31m', '%1B%5B31m'],
])('%j becomes %s', (name, segment) => {
  expect(pathSegment(name)).toBe(segment);
});

test('long names stay apart and fit', () => {
  const [a, b] = [pathSegment(`${'x'.repeat(5000)}a`), pathSegment(`${'x'.repeat(5000)}b`)];
  expect(a).not.toBe(b);
  expect(a.length).toBeLessThan(250);
});

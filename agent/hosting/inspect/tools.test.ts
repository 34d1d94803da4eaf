import { expect, test } from 'vitest';

import { parseToolVersion } from './tools.ts';

test.each([
  ['etcdutl version: 3.5.16\nAPI version: 3.5\n', '3.5.16'],
  ['etcdctl version: 3.4.23\nAPI version: 3.4\n', '3.4.23'],
  ['etcdutl version: 3.7.0-alpha.1\n', '3.7.0-alpha.1'],
  ['something else', ''],
])('%j says %s', (output, version) => {
  expect(parseToolVersion(output)).toBe(version);
});

import { at } from '@lockstep/shared/kubernetes/stored-object.ts';
import { expect, test } from 'vitest';
import { Mask } from './mask.ts';

const SECRET = {
  kind: 'Secret',
  metadata: {
    name: 'db',
    annotations: {
      'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"p":"aHVudGVyMg=="}}',
      note: 'x',
    },
  },
  data: { password: 'aHVudGVyMg==', again: 'aHVudGVyMg==', other: 'bGV0bWVpbg==' },
  stringData: { clear: 'hunter2' },
};

test('no value of a secret is left, and equal ones stay equal', () => {
  const masked = new Mask({ showSecrets: false }).object(SECRET);
  const text = JSON.stringify(masked);
  expect(text).not.toMatch(/aHVudGVyMg|bGV0bWVpbg|hunter2/u);
  expect(at(masked, 'data', 'password')).toMatch(/^\(secret [0-9a-f]{12}\)$/u);
  expect(at(masked, 'data', 'again')).toBe(at(masked, 'data', 'password'));
  expect(at(masked, 'data', 'other')).not.toBe(at(masked, 'data', 'password'));
  expect(at(masked, 'metadata', 'annotations', 'note')).toBe('x');
});

test('the marks of two runs have nothing in common', () => {
  const mark = () => at(new Mask({ showSecrets: false }).object(SECRET), 'data', 'password');
  expect(mark()).not.toBe(mark());
});

test('the fields of a secret that could not be described are marked as a whole', () => {
  const masked = new Mask({ showSecrets: false }).object({ kind: 'Secret', fields: { 2: 'aHVudGVyMg==' } });
  expect(JSON.stringify(masked)).not.toContain('aHVudGVyMg');
});

test('other kinds, and everything where that is asked for, stay as they are', () => {
  const map = { kind: 'ConfigMap', data: { password: 'x' } };
  expect(new Mask({ showSecrets: false }).object(map)).toBe(map);
  expect(new Mask({ showSecrets: true }).object(SECRET)).toBe(SECRET);
});

import { expect, test } from 'vitest';
import { fieldSelector, labelSelector } from './selectors.ts';

const pod = {
  metadata: { name: 'web-1', namespace: 'shop', labels: { app: 'web' } },
  spec: { nodeName: 'cp1' },
};

test.each([
  ['', true],
  ['spec.nodeName=cp1', true],
  ['spec.nodeName==cp2', false],
  ['spec.nodeName!=cp2,metadata.namespace=shop', true],
  ['spec.nodeName=cp1,metadata.namespace=other', false],
])('field selector %j', (text, expected) => {
  expect(fieldSelector(text)?.(pod)).toBe(expected);
});

test('a pod without a node is selected by the empty name', () => {
  expect(fieldSelector('spec.nodeName=')?.({ metadata: {}, spec: {} })).toBe(true);
});

test.each([
  ['app=web', true],
  ['app!=web', false],
  ['tier!=cache', true],
])('label selector %j', (text, expected) => {
  expect(labelSelector(text)?.(pod)).toBe(expected);
});

test('a field that cannot be selected by is no selector', () => {
  expect(fieldSelector('spec.color=red')).toBeUndefined();
  expect(labelSelector('app in (web)')).toBeUndefined();
});

import { sha256Hex } from '@lockstep/shared/digest.ts';
import { expect, test } from 'vitest';
import { decodeObject } from '../lab/api-server/codec.ts';
import { isEnvelope, open } from '../lab/api-server/envelope.ts';
import type { Entry } from './baseline/entry.ts';
import { baseline } from './baseline.ts';

const OPTIONS = {
  seed: 1,
  caPem: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
  kubernetesVersion: 'v1.34.1',
  controlPlane: [{ name: 'cp1', address: '127.9.0.1' }],
};

const entries = [...baseline(OPTIONS)];

const digest = (from: Iterable<Entry>): string => {
  const lines: string[] = [];
  for (const { key, value } of from) lines.push(`${key} ${sha256Hex(value)}`);
  return sha256Hex(lines.join('\n'));
};

test('it is at least 2,000 objects and 20 MB, each key once', () => {
  expect(new Set(entries.map(({ key }) => key)).size).toBe(entries.length);
  expect(entries.length).toBeGreaterThanOrEqual(2_000);
  expect(entries.reduce((total, { value }) => total + value.length, 0)).toBeGreaterThan(20_000_000);
});

test('the same seed makes the same bytes, another seed others', () => {
  expect(digest(baseline(OPTIONS))).toBe(digest(entries));
  expect(digest(baseline({ ...OPTIONS, seed: 2 }))).not.toBe(digest(entries));
});

test('built-in kinds are protobuf in their envelope, custom resources and their definitions JSON', () => {
  const isCustom = ({ key }: Entry): boolean =>
    /^\/registry\/(apiextensions\.k8s\.io|platform\.example\.com)\//.test(key);
  const isJson = ({ value }: Entry): boolean => value[0] === '{'.charCodeAt(0);
  const keys = (found: readonly Entry[]): string[] => found.map(({ key }) => key);
  expect(keys(entries.filter(isJson))).toEqual(keys(entries.filter(isCustom)));
  expect(keys(entries.filter(({ value }) => isEnvelope(value)))).toEqual(
    keys(entries.filter((entry) => !isCustom(entry))),
  );
});

test('every object says the name and namespace that its key says, and has a uid', () => {
  const strangers = entries.filter((entry) => {
    const { metadata } = decodeObject({ ...entry, createRevision: 1n, modRevision: 1n });
    const scope = metadata.namespace === undefined ? '' : `${metadata.namespace}/`;
    const isNamed = entry.key.endsWith(`/${scope}${metadata.name}`);
    return !isNamed || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(metadata.uid ?? '');
  });
  expect(strangers).toEqual([]);
});

test("every namespace trusts the lab's own CA", () => {
  const bundles = entries.filter(({ key }) => key.endsWith('/kube-root-ca.crt'));
  expect(bundles.length).toBe(entries.filter(({ key }) => key.startsWith('/registry/namespaces/')).length);
  const trusting = bundles.filter(({ value }) => Buffer.from(open(value).raw).includes(OPTIONS.caPem));
  expect(trusting).toEqual(bundles);
});

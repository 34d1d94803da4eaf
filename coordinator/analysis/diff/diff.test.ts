import type { Decoded } from '@lockstep/shared/kubernetes/decoded.ts';
import { describe, expect, test } from 'vitest';
import { Mask } from '../mask.ts';
import { memoryEvidence, type WrittenRow } from '../testing/memory-evidence.ts';
import { differing, digestIndex } from './digest-index.ts';
import { ObjectDiffer } from './object-diff.ts';

const jsonDecoder = {
  decode: (value: Uint8Array): Decoded => ({
    form: 'object',
    object: JSON.parse(Buffer.from(value).toString()),
    described: true,
    storedAs: 'json',
  }),
};

function diff(before: readonly WrittenRow[], after: readonly WrittenRow[], all = false) {
  const [was, is] = [memoryEvidence(before), memoryEvidence(after)];
  const found = differing(digestIndex(was, {}), digestIndex(is, {}));
  const side = (evidence: typeof was) => ({ evidence, decoder: jsonDecoder });
  const differ = new ObjectDiffer(side(was), side(is), { mask: new Mask({ showSecrets: false }), all });
  return found.map((one) => differ.differs(one));
}

const POD = '/registry/pods/a/one';

describe('two stores', () => {
  test('differ in what one of them lacks and in what is other bytes, by key', () => {
    const found = diff(
      [
        { main: 2, key: POD, value: '{"kind":"Pod","spec":{"x":1}}' },
        { main: 3, key: '/registry/pods/a/gone', value: '{}' },
        { main: 4, key: '/registry/pods/a/same', value: '{}' },
      ],
      [
        { main: 2, key: '/registry/pods/a/new', value: '{}' },
        { main: 9, key: '/registry/pods/a/same', value: '{}' },
        { main: 10, key: POD, value: '{"kind":"Pod","spec":{"x":2}}' },
      ],
    );
    expect(found.map((one) => [one?.change, one?.name, one?.beforeRevision, one?.afterRevision])).toEqual([
      ['removed', 'gone', 3, undefined],
      ['added', 'new', undefined, 2],
      ['changed', 'one', 2, 10],
    ]);
    expect(found[2]?.fields).toEqual([{ path: 'spec.x', before: 1, after: 2 }]);
  });

  test('differ too where the revision is the same and the bytes are not: another incarnation', () => {
    const found = diff([{ main: 2, key: POD, value: '{"a":1}' }], [{ main: 2, key: POD, value: '{"a":2}' }]);
    expect(found).toHaveLength(1);
  });

  test('are alike where only heartbeats differ, unless all is asked for', () => {
    const lease = (time: string): WrittenRow[] => [
      { main: 2, key: '/registry/leases/a/l', value: `{"kind":"Lease","spec":{"renewTime":"${time}"}}` },
    ];
    expect(diff(lease('1'), lease('2'))).toEqual([undefined]);
    expect(diff(lease('1'), lease('2'), true)[0]?.fields).toHaveLength(1);
  });

  test('never show a secret', () => {
    const secret = (value: string): WrittenRow[] => [
      { main: 2, key: '/registry/secrets/a/s', value: `{"kind":"Secret","data":{"p":"${value}"}}` },
    ];
    const [found] = diff(secret('one'), secret('two'));
    expect(found?.fields.map(({ path }) => path)).toEqual(['data.p']);
    expect(JSON.stringify(found)).not.toMatch(/"one"|"two"/u);
  });
});

import { describe, expect, test } from 'vitest';
import { subjectAltNames } from './peer.ts';

const OURS = { type: 'URI', value: 'lockstep://lab/agent/cp1' };

describe('the names in a certificate', () => {
  test('are read by type', () => {
    expect(subjectAltNames('URI:lockstep://lab/agent/cp1, IP Address:10.0.0.1, DNS:cp1')).toEqual([
      OURS,
      { type: 'IP Address', value: '10.0.0.1' },
      { type: 'DNS', value: 'cp1' },
    ]);
  });

  test('never come out of the middle of a quoted value', () => {
    const smuggled = String.raw`DNS:"a, URI:lockstep://lab/coordinator/x, b", URI:lockstep://lab/agent/cp1`;
    expect(subjectAltNames(smuggled)).toEqual([OURS]);
    expect(
      subjectAltNames(String.raw`DNS:"a\", URI:lockstep://lab/coordinator/x", URI:lockstep://lab/agent/cp1`),
    ).toEqual([OURS]);
  });

  test('are none where the text is not understood whole', () => {
    expect(subjectAltNames('URI:lockstep://lab/agent/cp1, "')).toEqual([]);
    expect(subjectAltNames('')).toEqual([]);
  });
});

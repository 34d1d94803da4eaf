import { describe, expect, it } from 'vitest';
import { encryptionPrefix, isEncrypted, sniff } from './envelope.ts';
import { message, stored } from './testing/wire-writer.ts';

describe('sniff', () => {
  it('opens the protobuf envelope', () => {
    const raw = message([1, 'x']);
    expect(sniff(stored('apps/v1', 'Deployment', raw))).toEqual({
      form: 'protobuf',
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      raw,
    });
  });

  it.each([
    ['json', '{"kind":"CronTab"}'],
    ['cbor', '\xd9\xd9\xf7\xa0'],
    ['unknown', 'k8s'],
    ['unknown', ''],
    ['unknown', 'k8s\0\xff\xff\xff'],
    ['unknown', 'k8s:enc:aescbc:v1:unended'],
  ])('says %s', (form, value) => {
    expect(sniff(Buffer.from(value, 'latin1')).form).toBe(form);
  });

  it.each([
    ['k8s:enc:aescbc:v1:key1:rest', { provider: 'aescbc', version: 'v1', keyName: 'key1', lengthBytes: 23 }],
    ['k8s:enc:kms:v2:vault:rest', { provider: 'kms', version: 'v2', keyName: 'vault', lengthBytes: 21 }],
  ])('takes %s apart', (value, expected) => {
    expect(encryptionPrefix(Buffer.from(value))).toEqual(expected);
  });

  it('looks no further than a prefix can be', () => {
    const long = Buffer.from(`k8s:enc:aescbc:v1:${'n'.repeat(600)}:`);
    expect(isEncrypted(long)).toBe(true);
    expect(encryptionPrefix(long)).toBeUndefined();
  });
});

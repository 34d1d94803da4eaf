import { createCipheriv } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { Decoder } from './decode.ts';
import type { Decoded } from './decoded.ts';
import { parseEncryptionConfiguration } from './encryption-configuration.ts';
import { message, stored, textMap } from './testing/wire-writer.ts';

let decoder: Decoder;
beforeAll(() => {
  decoder = new Decoder();
});

const at = { key: '/registry/things/default/one', modRevision: 42 };
const decode = (value: Uint8Array): Decoded => decoder.decode(value, at);
const object = (value: Uint8Array): unknown => {
  const decoded = decode(value);
  return decoded.form === 'object' ? decoded.object : decoded;
};
const text = (value: Uint8Array): string => JSON.stringify(object(value));

describe('a described kind', () => {
  it('is printed in the order of the Go struct, with the revision of its row', () => {
    const meta = message(
      [1, 'one'],
      [2, ''],
      [3, 'default'],
      [5, 'u-1'],
      [6, ''],
      [8, message([1, 1_700_000_000n])],
    );
    const secret = message(
      [1, meta],
      [2, message([1, 'b'], [2, Buffer.from([0, 255])])],
      [2, message([1, 'a'])],
      [3, 'Opaque'],
    );
    expect(text(stored('v1', 'Secret', secret))).toBe(
      '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"one","namespace":"default","uid":"u-1",' +
        '"resourceVersion":"42","creationTimestamp":"2023-11-14T22:13:20Z"},"data":{"a":"","b":"AP8="},"type":"Opaque"}',
    );
  });

  it('prints what Go does not leave out: empty structs, null lists, zeros that are set', () => {
    expect(text(stored('rbac.authorization.k8s.io/v1', 'ClusterRole', message([1, message([1, 'r'])])))).toBe(
      '{"kind":"ClusterRole","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"r","resourceVersion":"42"},"rules":null}',
    );
    const spec = message([1, 0n], [7, false]);
    expect(text(stored('apps/v1', 'Deployment', message([1, message([1, 'd'])], [2, spec])))).toBe(
      '{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"d","resourceVersion":"42"},' +
        '"spec":{"replicas":0,"selector":null,"template":{"metadata":{},"spec":{"containers":null}},"strategy":{}},"status":{}}',
    );
  });

  it('flattens what Go inlines', () => {
    const volume = message([1, 'v'], [2, message([1, message([1, '/var'], [2, 'Directory'])])]);
    const pod = message([1, message([1, 'p'])], [2, message([1, volume])]);
    expect(object(stored('v1', 'Pod', pod))).toMatchObject({
      spec: { volumes: [{ name: 'v', hostPath: { path: '/var', type: 'Directory' } }] },
    });
  });

  it('prints quantities, ports by name or number, and fields as JSON', () => {
    const port = (target: Buffer): Buffer => message([3, 80n], [4, target]);
    const ports = [port(message([1, 0n], [2, 8080n], [3, ''])), port(message([1, 1n], [2, 0n], [3, 'web']))];
    const managed = message([1, 'kubectl'], [7, message([1, '{"f:spec":{}}'])]);
    const service = message(
      [1, message([1, 's'], [17, managed])],
      [2, message(...ports.map((each) => [1, each] as const))],
    );
    expect(object(stored('v1', 'Service', service))).toMatchObject({
      metadata: { managedFields: [{ manager: 'kubectl', fieldsV1: { 'f:spec': {} } }] },
      spec: {
        ports: [
          { port: 80, targetPort: 8080 },
          { port: 80, targetPort: 'web' },
        ],
      },
    });
    const quota = message(
      [1, message([1, 'q'])],
      [2, message([1, message([1, 'cpu'], [2, message([1, '500m'])])])],
    );
    expect(object(stored('v1', 'ResourceQuota', quota))).toMatchObject({ spec: { hard: { cpu: '500m' } } });
  });

  it('says what the templates of a stateful set are, as API servers do', () => {
    const template = message([1, message([1, 'data'])]);
    const set = message([1, message([1, 's'])], [2, message([4, template])]);
    const [printed] = (
      object(stored('apps/v1', 'StatefulSet', set)) as { spec: { volumeClaimTemplates: object[] } }
    ).spec.volumeClaimTemplates;
    expect(Object.keys(printed ?? {}).slice(0, 3)).toEqual(['kind', 'apiVersion', 'metadata']);
  });

  it('keeps fields that it does not know, apart from the object', () => {
    const container = message([1, 'c'], [99, 'new'], [98, 7n]);
    const pod = message([1, message([1, 'p'])], [2, message([2, container])], [77, message([1, 'x'])]);
    expect(decode(stored('v1', 'Pod', pod))).toMatchObject({
      described: true,
      unknownFields: { 'spec.containers[0]': { 98: 7, 99: 'new' }, '': { 77: { 1: 'x' } } },
    });
  });

  it('makes one message of pieces, as protobuf has it', () => {
    const value = message(
      [1, message([1, 'first'], [5, 'u'])],
      [1, message([1, 'last'])],
      [1, message([3, 'n'])],
    );
    expect(object(stored('v1', 'ConfigMap', value))).toMatchObject({
      metadata: { name: 'last', namespace: 'n', uid: 'u' },
    });
  });

  it('takes a key named __proto__ for a key', () => {
    const value = message([1, message([1, 'c'])], ...textMap(2, { a: '1' }), [
      2,
      message([1, '__proto__'], [2, 'x']),
    ]);
    const { data } = object(stored('v1', 'ConfigMap', value)) as { data: Record<string, string> };
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
    expect(Object.keys(data)).toEqual(['__proto__', 'a']);
  });

  it('keeps every digit', () => {
    const value = message([1, message([1, 'c'], [7, 2n ** 60n + 1n])]);
    expect(object(stored('v1', 'ConfigMap', value))).toMatchObject({
      metadata: { generation: '1152921504606846977' },
    });
    const negative = message([1, message([1, 'c'], [7, -3n])]);
    expect(object(stored('v1', 'ConfigMap', negative))).toMatchObject({ metadata: { generation: -3 } });
  });
});

describe('another kind', () => {
  it('has its metadata, and its fields by number', () => {
    const inner = message(
      [1, 'text'],
      [2, -1n],
      [2, 5n],
      [3, Buffer.from([0xff, 0xfe])],
      [4, message([9, 'deep'])],
    );
    const value = stored('example.com/v1', 'Thing', message([1, message([1, 'one'], [99, 'x'])], [2, inner]));
    expect(decode(value)).toEqual({
      form: 'object',
      described: false,
      storedAs: 'protobuf',
      object: {
        kind: 'Thing',
        apiVersion: 'example.com/v1',
        metadata: { name: 'one', resourceVersion: '42' },
        fields: { 2: { 1: 'text', 2: ['18446744073709551615', 5], 3: { base64: '//4=' }, 4: { 9: 'deep' } } },
      },
      unknownFields: { metadata: { 99: 'x' } },
    });
  });

  it('stands for a described one that is malformed', () => {
    const value = stored('v1', 'ConfigMap', message([1, message([1, 'c'])], [2, 7n]));
    expect(decode(value)).toMatchObject({
      described: false,
      object: { metadata: { name: 'c' }, fields: { 2: 7 } },
    });
  });

  it('is opaque where it is no message', () => {
    expect(decode(stored('v1', 'Pod', Buffer.from([0xff])))).toEqual({
      form: 'opaque',
      why: 'a Pod of v1 that is no protobuf',
    });
  });
});

describe('JSON', () => {
  it('gets its resourceVersion in its place', () => {
    const custom =
      '{"apiVersion":"x/v1","kind":"Thing","metadata":{"name":"a","uid":"u"},"spec":{"n":9007199254740993}}\n';
    expect(text(Buffer.from(custom))).toBe(
      '{"apiVersion":"x/v1","kind":"Thing","metadata":{"name":"a","resourceVersion":"42","uid":"u"},"spec":{"n":"9007199254740993"}}',
    );
    const typed =
      '{"kind":"APIService","apiVersion":"y/v1","metadata":{"name":"a","uid":"u","creationTimestamp":null}}';
    expect(text(Buffer.from(typed))).toContain('"uid":"u","resourceVersion":"42","creationTimestamp":null');
  });

  it.each([
    ['broken', '{"kind":'],
    ['no object of Kubernetes', '{"a":1}'],
    ['too deep', `{"kind":"A","apiVersion":"v1","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
  ])('is opaque where it is %s', (_how, json) => {
    expect(decode(Buffer.from(json)).form).toBe('opaque');
  });

  it('takes metadata that are none as they are', () => {
    expect(object(Buffer.from('{"kind":"A","apiVersion":"v1","metadata":[]}'))).toMatchObject({
      metadata: [],
    });
  });
});

describe('a value in no known form', () => {
  it.each([
    ['nothing', Buffer.alloc(0), 'it is empty'],
    ['a counter', Buffer.from('123'), 'it is in no form that kube-apiserver stores'],
  ])('is opaque: %s', (_what, value, why) => {
    expect(decode(value)).toEqual({ form: 'opaque', why });
  });
});

describe('an encrypted value', () => {
  const key = '/registry/secrets/default/caf\u00c3\u00a9';
  const secret = Buffer.alloc(32, 7);
  const plain = stored('v1', 'Secret', message([1, message([1, 's'])], [3, 'Opaque']));

  function sealed(name: string): Buffer {
    const nonce = Buffer.alloc(12, 1);
    const cipher = createCipheriv('aes-256-gcm', secret, nonce);
    cipher.setAAD(Buffer.from(key, 'latin1'));
    const body = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([Buffer.from(`k8s:enc:aesgcm:v1:${name}:`), nonce, body, cipher.getAuthTag()]);
  }

  const encryption = parseEncryptionConfiguration(
    JSON.stringify({
      kind: 'EncryptionConfiguration',
      resources: [
        {
          resources: ['secrets'],
          providers: [
            { aesgcm: { keys: [{ name: 'key1', secret: secret.toString('base64') }] } },
            { kms: { name: 'vault' } },
          ],
        },
      ],
    }),
  );

  it('names its provider and key', () => {
    expect(decoder.decode(sealed('key1'), { key, modRevision: 1 })).toEqual({
      form: 'encrypted',
      prefix: { provider: 'aesgcm', version: 'v1', keyName: 'key1', lengthBytes: 23 },
      why: 'no EncryptionConfiguration was given',
    });
  });

  it('is opened where its key is given; the key of etcd counts by its bytes', () => {
    const opened = new Decoder({ encryption }).decode(sealed('key1'), { key, modRevision: 1 });
    expect(opened).toMatchObject({
      form: 'object',
      object: { kind: 'Secret', metadata: { name: 's' }, type: 'Opaque' },
      decrypted: { provider: 'aesgcm', keyName: 'key1' },
    });
  });

  it.each([
    ['another key', sealed('key2'), key, 'the EncryptionConfiguration has no such key for this resource'],
    [
      'another place',
      sealed('key1'),
      '/registry/secrets/default/b',
      'the configured key of that name is another one, or the value is damaged',
    ],
    ['a KMS', Buffer.from('k8s:enc:kms:v2:vault:xyz'), key, 'its key is with a KMS'],
  ])('says why it stays closed: %s', (_what, value, at, why) => {
    expect(new Decoder({ encryption }).decode(value, { key: at, modRevision: 1 })).toMatchObject({
      form: 'encrypted',
      why,
    });
  });
});

describe('a value by somebody hostile', () => {
  const pod = stored(
    'v1',
    'Pod',
    message(
      [1, message([1, 'p'], [17, message([1, 'm'], [7, message([1, '{"f:a":{}}'])])])],
      [
        2,
        message(
          [1, message([1, 'v'], [2, message([1, message([1, '/'])])])],
          [2, message([1, 'c'], [2, 'i'])],
        ),
      ],
      [3, message([1, 'Running'])],
    ),
  );

  it('never makes it throw, whichever byte is another', () => {
    for (let at = 0; at < pod.length; at++) {
      for (const byte of [0, 1, 0x7f, 0x80, 0xff, (pod[at] ?? 0) ^ 8]) {
        const mutant = Buffer.from(pod);
        mutant[at] = byte;
        expect(['object', 'opaque']).toContain(decode(mutant).form);
      }
      expect(['object', 'opaque']).toContain(decode(pod.subarray(0, at)).form);
    }
    // The reader is as it was.
    expect(object(pod)).toMatchObject({ metadata: { name: 'p' }, status: { phase: 'Running' } });
  });

  it('is not read for ever: a message in two thousand pieces, a schema without a bottom', () => {
    const pieces = Array.from({ length: 2000 }, () => [1, message([1, 'n'])] as const);
    expect(object(stored('v1', 'ConfigMap', message(...pieces)))).toMatchObject({ metadata: { name: 'n' } });
    let schema = message([5, 'object']);
    for (let depth = 0; depth < 2000; depth++) schema = message([28, schema]);
    const version = message([1, 'v1'], [4, message([1, schema])]);
    const definition = message([1, message([1, 'd'])], [2, message([7, version])]);
    const decoded = decode(stored('apiextensions.k8s.io/v1', 'CustomResourceDefinition', definition));
    expect(decoded).toMatchObject({ form: 'object', described: false });
    expect(() => JSON.stringify(decoded)).not.toThrow();
  });
});

import { ConfigMap, Pod } from '@lockstep/shared/generated/kubernetes/core/v1/core.ts';
import { expect, test } from 'vitest';
import { decodeObject, encodeObject } from './codec.ts';
import { isEnvelope, open, seal } from './envelope.ts';

// A second route to the wire format: tags and lengths by hand, field numbers from upstream's own description.
const LENGTH_DELIMITED = 2;
const VARINT = 0;

function field(number: number, content: Buffer | string): Buffer {
  const body = Buffer.from(content);
  return Buffer.concat([varint((number << 3) | LENGTH_DELIMITED), varint(body.length), body]);
}

function varintField(number: number, value: number): Buffer {
  return Buffer.concat([varint((number << 3) | VARINT), varint(value)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...bytes, rest]);
}

const stored = (value: Buffer): Parameters<typeof decodeObject>[0] => ({
  key: '/registry/pods/shop/web-1',
  value,
  createRevision: 7n,
  modRevision: 42n,
});

const metadata = Buffer.concat([
  field(1, 'web-1'),
  field(3, 'shop'),
  field(5, '6f1c'),
  field(8, varintField(1, 1_788_220_800)),
  field(11, Buffer.concat([field(1, 'app'), field(2, 'web')])),
]);
const container = Buffer.concat([
  field(1, 'main'),
  field(2, 'registry.example/web:1'),
  field(3, 'sleep'),
  field(3, 'infinity'),
  field(8, field(1, Buffer.concat([field(1, 'cpu'), field(2, field(1, '500m'))]))),
]);
const spec = Buffer.concat([
  field(1, Buffer.concat([field(1, 'scratch'), field(2, field(2, ''))])),
  field(2, container),
  varintField(4, 30),
  field(10, 'cp1'),
  varintField(11, 1),
]);
const pod = Buffer.concat([field(1, metadata), field(2, spec), field(3, field(1, 'Running'))]);
const unknown = Buffer.concat([
  field(1, Buffer.concat([field(1, 'v1'), field(2, 'Pod')])),
  field(2, pod),
  field(3, ''),
  field(4, ''),
]);
const value = Buffer.concat([Buffer.from([0x6b, 0x38, 0x73, 0x00]), unknown]);

test('a pod stored as protobuf is read as Kubernetes writes it in JSON', () => {
  expect(decodeObject(stored(value))).toEqual({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web-1',
      namespace: 'shop',
      uid: '6f1c',
      creationTimestamp: '2026-09-01T00:00:00Z',
      labels: { app: 'web' },
      resourceVersion: '42',
    },
    spec: {
      volumes: [{ name: 'scratch', emptyDir: {} }],
      containers: [
        {
          name: 'main',
          image: 'registry.example/web:1',
          command: ['sleep', 'infinity'],
          resources: { limits: { cpu: '500m' } },
        },
      ],
      terminationGracePeriodSeconds: 30,
      nodeName: 'cp1',
      hostNetwork: true,
    },
    status: { phase: 'Running' },
  });
});

test('what our descriptions write has the same bytes as by hand', () => {
  expect(Buffer.from(Pod.encode(Pod.decode(pod)).finish()).equals(pod)).toBe(true);
  const sealed = seal({ apiVersion: 'v1', kind: 'Pod', raw: pod });
  expect(sealed.subarray(0, 4)).toEqual(Buffer.from('k8s\0'));
  expect(open(sealed)).toEqual({ apiVersion: 'v1', kind: 'Pod', raw: pod });
});

test('a kind we do not know keeps its metadata and its bytes', () => {
  const lost = seal({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', raw: field(1, metadata) });
  const object = decodeObject({ ...stored(lost), key: '/registry/poddisruptionbudgets/shop/web-1' });
  expect(object).toMatchObject({
    kind: 'PodDisruptionBudget',
    metadata: { name: 'web-1', labels: { app: 'web' } },
  });
  expect(object['storedBytes']).toBe(field(1, metadata).toString('base64'));
});

test('what is no object, as an encrypted secret, is passed on as bytes', () => {
  const sealed = Buffer.from('k8s:enc:secretbox:v1:key1:\x01\x02');
  expect(decodeObject(stored(sealed))).toEqual({
    metadata: { name: 'web-1', resourceVersion: '42' },
    storedBytes: sealed.toString('base64'),
  });
});

const roundTrip = (object: Parameters<typeof encodeObject>[0]): unknown =>
  decodeObject(stored(Buffer.from(encodeObject(object))));

test('a built-in kind that a client sends is stored as protobuf', () => {
  const sent = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-1', namespace: 'shop', creationTimestamp: '2026-09-01T00:00:00Z' },
    spec: {
      nodeName: 'cp1',
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image: 'x', resources: { limits: { cpu: '500m' } } }],
      volumes: [
        { name: 'config', configMap: { name: 'settings', defaultMode: 420 } },
        { name: 'host', hostPath: { path: '/', type: 'Directory' } },
      ],
    },
  };
  expect(isEnvelope(encodeObject(sent))).toBe(true);
  expect(roundTrip(sent)).toEqual({ ...sent, metadata: { ...sent.metadata, resourceVersion: '42' } });
});

test('a lease keeps its microseconds', () => {
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'cp1' },
    spec: { holderIdentity: 'cp1', leaseDurationSeconds: 40, renewTime: '2026-09-01T00:00:00.123Z' },
  };
  expect(isEnvelope(encodeObject(lease))).toBe(true);
  expect(roundTrip(lease)).toMatchObject({ spec: { renewTime: '2026-09-01T00:00:00.123000Z' } });
});

test('a field that our descriptions do not name is not lost: the object is stored as JSON', () => {
  const sent = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-1' },
    spec: { containers: [{ name: 'main', livenessProbe: { periodSeconds: 10 } }] },
  };
  expect(isEnvelope(encodeObject(sent))).toBe(false);
  expect(roundTrip(sent)).toEqual({ ...sent, metadata: { name: 'web-1', resourceVersion: '42' } });
});

test('a false that means something is not lost', () => {
  const sent = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'a' },
    automountServiceAccountToken: false,
  };
  expect(roundTrip(sent)).toMatchObject({ automountServiceAccountToken: false });
});

test('a custom resource is stored as JSON', () => {
  const sent = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' }, spec: { size: 0 } };
  expect(roundTrip(sent)).toEqual({ ...sent, metadata: { name: 'w', resourceVersion: '42' } });
});

test('the resource version is never stored', () => {
  const sent = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', resourceVersion: '9' } };
  const { metadata } = ConfigMap.decode(open(encodeObject(sent)).raw);
  expect(metadata).toMatchObject({ name: 'a', resourceVersion: '' });
});

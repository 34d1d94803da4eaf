import { describe, expect, it } from 'vitest';
import { Job } from '../generated/kubernetes/batch/v1/batch.ts';
import { ConfigMap, Pod, Secret } from '../generated/kubernetes/core/v1/core.ts';
import {
  configMapData,
  cronJobLastScheduled,
  jobFacts,
  podFacts,
  secretType,
  serviceWebhooks,
} from './kinds.ts';
import { annotationsOf, decodeStored, type StoredObject, uidOf } from './stored-object.ts';
import { message, stored } from './testing/wire-writer.ts';

/*
 * Protobuf here comes from the repository's own descriptions in proto/kubernetes wherever they
 * have the kind: written apart from the field numbers in kinds.ts, each checks the other.
 */

function decoded(value: Uint8Array): StoredObject {
  const object = decodeStored(value);
  if (object === undefined) throw new Error('not decoded');
  return object;
}

const json = (fields: object) => decoded(Buffer.from(JSON.stringify(fields)));
const protobuf = (kind: string, bytes: Uint8Array) => decoded(stored('v1', kind, bytes));

const podFields = {
  metadata: { uid: 'u1', annotations: { 'kubernetes.io/config.mirror': 'hash' } },
  spec: { nodeName: 'n1' },
  status: { phase: 'Running' },
};
describe('what is asked of stored kinds is the same in both forms', () => {
  it.each([
    ['protobuf', protobuf('Pod', Pod.encode(Pod.fromPartial(podFields)).finish())],
    ['JSON', json(podFields)],
  ])('pod, %s', (_form, pod) => {
    expect(uidOf(pod)).toBe('u1');
    expect(annotationsOf(pod).get('kubernetes.io/config.mirror')).toBe('hash');
    expect(podFacts(pod)).toEqual({ nodeName: 'n1', phase: 'Running', mirror: true });
  });

  it.each([
    ['Complete', false, { finished: true, suspended: false }],
    ['Failed', false, { finished: true, suspended: false }],
    ['Suspended', true, { finished: false, suspended: true }],
  ])('job with the condition %s', (type, suspend, expected) => {
    const conditions = ['SuccessCriteriaMet', type].map((each) =>
      message([1, message([1, each], [2, 'True'])]),
    );
    const status = Buffer.concat(conditions);
    expect(jobFacts(protobuf('Job', message([2, message([10, suspend])], [3, status])))).toEqual(expected);
    const named = {
      conditions: [
        { type: 'SuccessCriteriaMet', status: 'True' },
        { type, status: 'True' },
      ],
    };
    expect(jobFacts(json({ spec: { suspend }, status: named }))).toEqual(expected);
  });

  it('job that is known by its completion alone', () => {
    const fields = { status: { completionTime: { seconds: 1_700_000_000n } } };
    const expected = { finished: true, suspended: false };
    expect(jobFacts(protobuf('Job', Job.encode(Job.fromPartial(fields)).finish()))).toEqual(expected);
    expect(jobFacts(json({ status: { completionTime: '2023-11-14T22:13:20Z' } }))).toEqual(expected);
  });

  it('job without a status', () => {
    const expected = { finished: false, suspended: false };
    expect(jobFacts(protobuf('Job', Job.encode(Job.fromPartial({})).finish()))).toEqual(expected);
    expect(jobFacts(json({}))).toEqual(expected);
  });

  it('secret and config map', () => {
    const secret = { type: 'kubernetes.io/service-account-token', data: {} };
    expect(secretType(protobuf('Secret', Secret.encode(Secret.fromPartial(secret)).finish()))).toBe(
      secret.type,
    );
    expect(secretType(json(secret))).toBe(secret.type);
    const map = { data: { 'ca.crt': 'pem', other: '' } };
    expect(
      configMapData(protobuf('ConfigMap', ConfigMap.encode(ConfigMap.fromPartial(map)).finish())),
    ).toEqual(new Map(Object.entries(map.data)));
    expect(configMapData(json(map))).toEqual(new Map(Object.entries(map.data)));
  });

  it('cron job', () => {
    expect(
      cronJobLastScheduled(protobuf('CronJob', message([3, message([4, message([1, 1_700_000_000n])])]))),
    ).toBe(1_700_000_000);
    expect(cronJobLastScheduled(json({ status: { lastScheduleTime: '2023-11-14T22:13:20Z' } }))).toBe(
      1_700_000_000,
    );
    expect(cronJobLastScheduled(json({}))).toBe(0);
  });

  it('webhooks that are reached through a Service', () => {
    const service = message([1, 'ns'], [2, 'svc'], [3, '/path']);
    const byService = message([1, 'a.io'], [2, message([1, service], [2, 'bundle'])], [4, 'Fail']);
    const byUrl = message([1, 'b.io'], [2, message([3, 'https://elsewhere'])], [4, 'Fail']);
    const expected = [{ name: 'a.io', failurePolicy: 'Fail', serviceNamespace: 'ns', serviceName: 'svc' }];
    expect(
      serviceWebhooks(protobuf('ValidatingWebhookConfiguration', message([2, byService], [2, byUrl]))),
    ).toEqual(expected);
    const webhooks = [
      { name: 'a.io', failurePolicy: 'Fail', clientConfig: { service: { namespace: 'ns', name: 'svc' } } },
      { name: 'b.io', failurePolicy: 'Fail', clientConfig: { url: 'https://elsewhere' } },
    ];
    expect(serviceWebhooks(json({ webhooks }))).toEqual(expected);
  });
});

describe('decodeStored', () => {
  it.each(['', 'x', 'k8s:enc:aescbc:v1:k:x', '{', '[]', 'null', 'k8s\0\xff'])(
    'has no object for %j',
    (value) => {
      expect(decodeStored(Buffer.from(value, 'latin1'))).toBeUndefined();
    },
  );

  it('asks for nothing that is of another type', () => {
    const odd = json({
      metadata: { uid: 5, annotations: [] },
      spec: 'x',
      status: { conditions: {} },
      data: null,
      webhooks: 3,
    });
    expect(uidOf(odd)).toBe('');
    expect(podFacts(odd)).toEqual({ nodeName: '', phase: '', mirror: false });
    expect(jobFacts(odd)).toEqual({ finished: false, suspended: false });
    expect(configMapData(odd)).toEqual(new Map());
    expect(serviceWebhooks(odd)).toEqual([]);
  });
});

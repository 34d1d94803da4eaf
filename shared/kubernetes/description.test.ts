import { beforeAll, describe, expect, it } from 'vitest';
import { Descriptions, Shape } from './description.ts';
import { TABLES } from './descriptions/tables.ts';

let descriptions: Descriptions;
beforeAll(() => {
  descriptions = new Descriptions(TABLES);
});

describe('the tables', () => {
  it('have every kind that an investigation begins with', () => {
    const kinds = new Set(descriptions.kinds);
    const wanted = [
      'v1 Pod',
      'v1 Secret',
      'v1 ServiceAccount',
      'v1 Event',
      'v1 Node',
      'v1 RangeAllocation',
      'apps/v1 DaemonSet',
      'batch/v1 CronJob',
      'rbac.authorization.k8s.io/v1 ClusterRoleBinding',
      'admissionregistration.k8s.io/v1 MutatingWebhookConfiguration',
      'certificates.k8s.io/v1 CertificateSigningRequest',
      'apiextensions.k8s.io/v1 CustomResourceDefinition',
      'apiregistration.k8s.io/v1 APIService',
      'policy/v1beta1 PodSecurityPolicy',
      'autoscaling/v2beta2 HorizontalPodAutoscaler',
      'events.k8s.io/v1 Event',
    ];
    expect(wanted.filter((kind) => !kinds.has(kind))).toEqual([]);
    expect(kinds.size).toBeGreaterThan(190);
  });

  it('give each field of a message a number and a slot of its own', () => {
    for (const kind of descriptions.kinds) {
      const [apiVersion = '', name = ''] = kind.split(' ');
      const message = descriptions.kind(apiVersion, name);
      const numbers = message?.fields.map(({ number }) => number) ?? [];
      expect(new Set(numbers).size, kind).toBe(numbers.length);
      expect(
        message?.fields.every(({ number }) => number > 0),
        kind,
      ).toBe(true);
    }
  });

  it('print inlined messages in their place', () => {
    const { printed, fields } = descriptions.message('core/v1.Volume');
    expect(fields.map(({ shape }) => shape)).toEqual([Shape.single, Shape.inline]);
    expect(printed.slice(0, 2).map(({ name }) => name)).toEqual(['name', 'hostPath']);
  });
});

it('refuses a table that names what it does not have', () => {
  expect(() => new Descriptions(['# a/v1 a/v1\nA kind\n 1 b B\n'])).toThrow('no description has a/v1.B');
});

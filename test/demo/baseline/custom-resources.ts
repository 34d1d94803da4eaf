import { type Entry, jsonObject } from './entry.ts';
import type { Random } from './random.ts';

const GROUP = 'platform.example.com';
const PLURAL = 'pipelines';
const CREATED = '2026-08-01T12:00:00Z';

/** The definition of the custom resource that the teams use. */
export function definition(random: Random): Entry {
  const name = `${PLURAL}.${GROUP}`;
  const step = (depth: number): unknown =>
    depth === 0
      ? { type: 'string', description: random.configuration(120) }
      : {
          type: 'object',
          properties: Object.fromEntries(
            Array.from({ length: 4 }, (_, index) => [`field${index}`, step(depth - 1)]),
          ),
        };
  return jsonObject(
    'apiextensions.k8s.io/customresourcedefinitions',
    { name },
    {
      kind: 'CustomResourceDefinition',
      apiVersion: 'apiextensions.k8s.io/v1',
      metadata: { name, uid: random.uuid(), generation: 1, creationTimestamp: CREATED },
      spec: {
        group: GROUP,
        names: { plural: PLURAL, singular: 'pipeline', kind: 'Pipeline', listKind: 'PipelineList' },
        scope: 'Namespaced',
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', properties: { spec: step(3) } } },
          },
        ],
      },
    },
  );
}

export function customResource(random: Random, namespace: string, index: number): Entry {
  const name = `pipeline-${index}`;
  return jsonObject(
    `${GROUP}/${PLURAL}`,
    { name, namespace },
    {
      apiVersion: `${GROUP}/v1`,
      kind: 'Pipeline',
      metadata: { name, namespace, uid: random.uuid(), generation: 3, creationTimestamp: CREATED },
      spec: {
        steps: Array.from({ length: random.integer(3, 12) }, (_, step) => ({
          name: `step-${step}`,
          image: `registry.internal.example/step:${random.integer(1, 90)}`,
          script: random.configuration(random.integer(300, 1_500)),
        })),
      },
    },
  );
}

import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import { z } from 'zod';
import { timings } from '../timings.ts';

const envSchema = z.looseObject({ name: z.string(), value: z.string().optional() });

const containerSchema = z.looseObject({
  name: z.string().min(1),
  image: z.string().default(''),
  command: z.array(z.string()).default([]),
  args: z.array(z.string()).default([]),
  env: z.array(envSchema).default([]),
  volumeMounts: z
    .array(z.looseObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().default(false) }))
    .default([]),
});

const volumeSchema = z.looseObject({
  name: z.string(),
  hostPath: z.looseObject({ path: z.string(), type: z.string().default('') }).optional(),
});

const podSchema = z.looseObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Pod'),
  metadata: z.looseObject({
    name: z.string().min(1),
    namespace: z.string().default('default'),
    uid: z.string().optional(),
    labels: z.record(z.string(), z.string()).nullish(),
    annotations: z.record(z.string(), z.string()).nullish(),
    deletionTimestamp: z.string().nullish(),
  }),
  spec: z.looseObject({
    containers: z.array(containerSchema).min(1),
    volumes: z.array(volumeSchema).default([]),
    terminationGracePeriodSeconds: z.number().int().nonnegative().optional(),
  }),
});

type PodObject = z.infer<typeof podSchema>;

/** A pod as kubelet works with it, from whichever source. */
export interface Pod {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly source: 'file' | 'api';
  readonly containers: PodObject['spec']['containers'];
  readonly volumes: PodObject['spec']['volumes'];
  readonly graceMs: number;
  /** As the source gave it: what a mirror pod repeats. */
  readonly object: PodObject;
}

export const CONFIG_SOURCE = 'kubernetes.io/config.source';
export const CONFIG_HASH = 'kubernetes.io/config.hash';
export const CONFIG_MIRROR = 'kubernetes.io/config.mirror';
export const CONFIG_SEEN = 'kubernetes.io/config.seen';

/** Of two pods with one full name, only one runs at a time. */
export function fullName(pod: Pod): string {
  return `${pod.namespace}/${pod.name}`;
}

/**
 * The static pod of a manifest. Its uid is a digest of what it says, of the node and of the file's
 * path: the same file moved out and back is the same pod, an edited one is another. Throws where the
 * text is no pod.
 */
export function staticPod(
  text: string,
  options: { readonly node: string; readonly path: string; readonly seen: Date },
): Pod {
  const object = podSchema.parse(parse(text));
  const uid = createHash('sha256')
    .update(JSON.stringify(object))
    .update(`\0${options.node}\0${options.path}`)
    .digest('hex')
    .slice(0, 32);
  return toPod(object, {
    uid,
    name: `${object.metadata.name}-${options.node}`,
    source: 'file',
    annotations: {
      [CONFIG_HASH]: uid,
      [CONFIG_SEEN]: options.seen.toISOString(),
      [CONFIG_SOURCE]: 'file',
    },
  });
}

/** A pod that the API bound to this node; undefined for a mirror pod, one being deleted, and what is no pod. */
export function apiPod(value: unknown): Pod | undefined {
  const parsed = podSchema.safeParse(withType(value));
  if (!parsed.success) return undefined;
  const { metadata } = parsed.data;
  if (metadata.annotations?.[CONFIG_MIRROR] !== undefined || metadata.deletionTimestamp) return undefined;
  if (metadata.uid === undefined) return undefined;
  return toPod(parsed.data, {
    uid: metadata.uid,
    name: metadata.name,
    source: 'api',
    annotations: { [CONFIG_SOURCE]: 'api' },
  });
}

/** Items of a list come without their type. */
function withType(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? { apiVersion: 'v1', kind: 'Pod', ...value } : value;
}

function toPod(
  object: PodObject,
  own: Pick<Pod, 'uid' | 'name' | 'source'> & { annotations: Record<string, string> },
): Pod {
  const { metadata, spec } = object;
  const graceSeconds = spec.terminationGracePeriodSeconds;
  return {
    uid: own.uid,
    name: own.name,
    namespace: metadata.namespace,
    labels: metadata.labels ?? {},
    annotations: { ...metadata.annotations, ...own.annotations },
    source: own.source,
    containers: spec.containers,
    volumes: spec.volumes,
    graceMs: graceSeconds === undefined ? timings.kubeletGraceMs : graceSeconds * 1000,
    object,
  };
}

import { basename, posix } from 'node:path';

import { parse } from 'yaml';
import { z } from 'zod';

import type { Component } from '../../ports.ts';
import { runsEtcd } from '../flags.ts';

export const COMPONENTS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
] as const satisfies readonly Component[];

/** Only what Lockstep reads; everything else in a manifest is left alone. */
const podSchema = z.object({
  kind: z.literal('Pod'),
  metadata: z.object({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).nullish(),
  }),
  spec: z.object({
    containers: z.array(
      z.object({
        name: z.string(),
        image: z.string().optional(),
        command: z.array(z.string()).nullish(),
        args: z.array(z.string()).nullish(),
        env: z.array(z.object({ name: z.string(), value: z.string().nullish() })).nullish(),
        volumeMounts: z
          .array(z.object({ name: z.string(), mountPath: z.string(), subPath: z.string().nullish() }))
          .nullish(),
      }),
    ),
    volumes: z
      .array(z.object({ name: z.string(), hostPath: z.object({ path: z.string() }).nullish() }))
      .nullish(),
  }),
});

/** One container of a static pod, its paths mapped to the host's. */
export interface ManifestContainer {
  readonly name: string;
  readonly image: string;
  /** `command` and `args` in one, as the container gets them. */
  readonly words: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly { readonly containerPath: string; readonly hostPath: string }[];
}

export interface PodManifest {
  /** Undefined: it is none of the control plane's four. */
  readonly component: Component | undefined;
  /** "kube-system/etcd" */
  readonly pod: string;
  readonly containers: readonly ManifestContainer[];
  /** The component's own container. */
  readonly main: ManifestContainer | undefined;
  readonly runsEtcd: boolean;
}

/** Undefined where kubelet would not take the text for a pod. */
export function parseManifest(text: string): PodManifest | undefined {
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    return undefined;
  }
  const parsed = podSchema.safeParse(document);
  if (!parsed.success) return undefined;
  const { metadata, spec } = parsed.data;
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume.hostPath?.path]));
  const containers = spec.containers.map((container): ManifestContainer => {
    const mounts = (container.volumeMounts ?? []).flatMap((mount) => {
      const source = volumes.get(mount.name);
      if (source === undefined) return [];
      return [{ containerPath: mount.mountPath, hostPath: posix.join(source, mount.subPath ?? '') }];
    });
    return {
      name: container.name,
      image: container.image ?? '',
      words: [...(container.command ?? []), ...(container.args ?? [])],
      environment: new Map((container.env ?? []).map((entry) => [entry.name, entry.value ?? ''])),
      mounts,
    };
  });
  const namespace = metadata.namespace ?? 'default';
  const label = metadata.labels?.['component'];
  const component = componentOf(namespace, label, containers);
  return {
    component,
    pod: `${namespace}/${metadata.name}`,
    containers,
    main: component === undefined ? undefined : mainContainer(component, containers),
    runsEtcd: containers.some((container) => runsEtcd(container.words)),
  };
}

/** The path on the host of a path in the container; undefined where it is in no host path's mount. */
export function hostPathOf(container: ManifestContainer, containerPath: string): string | undefined {
  const clean = posix.normalize(containerPath);
  const mount = container.mounts
    .filter(({ containerPath: base }) => clean === base || clean.startsWith(`${base.replace(/\/$/, '')}/`))
    .toSorted((a, b) => b.containerPath.length - a.containerPath.length)[0];
  if (mount === undefined) return undefined;
  return posix.join(mount.hostPath, posix.relative(mount.containerPath, clean));
}

/** "registry.k8s.io/kube-apiserver:v1.34.1@sha256:…" -> "v1.34.1"; empty where the image has no tag. */
export function imageTag(image: string): string {
  const name = image.replace(/@.*$/u, '');
  return /:(?<tag>[\w.-]+)$/u.exec(name)?.groups?.['tag'] ?? '';
}

/** kubeadm's label says it; where it is missing, the command does. Nobody else's pod in another namespace is ours. */
function componentOf(
  namespace: string,
  label: string | undefined,
  containers: readonly ManifestContainer[],
): Component | undefined {
  if (namespace !== 'kube-system') return undefined;
  const labelled = COMPONENTS.find((component) => component === label);
  if (labelled !== undefined && mainContainer(labelled, containers) !== undefined) return labelled;
  return COMPONENTS.find((component) => containers.some((container) => runs(container, component)));
}

function mainContainer(
  component: Component,
  containers: readonly ManifestContainer[],
): ManifestContainer | undefined {
  return (
    containers.find((container) => runs(container, component)) ??
    containers.find((container) => container.name === component)
  );
}

function runs(container: ManifestContainer, component: Component): boolean {
  return basename(container.words[0] ?? '') === component;
}

import type { Pod } from '@lockstep/shared/generated/kubernetes/core/v1/core.ts';
import type { ManagedFieldsEntry } from '@lockstep/shared/generated/kubernetes/meta/v1/meta.ts';

const CONDITIONS = ['ContainersReady', 'Initialized', 'PodReadyToStartContainers', 'Ready'];
const ALL: Readonly<Record<string, object>> = { '.': {} };

/** As a pod of a deployment has them: its controller's, and its kubelet's of the status. */
export function managedFieldsOfPod({ metadata, spec }: Pod): ManagedFieldsEntry[] {
  const named = (names: readonly string[]) => Object.fromEntries(names.map((name) => [`f:${name}`, {}]));
  const containers = (spec?.containers ?? []).map(({ name, env, ports }) => [
    `k:{"name":"${name}"}`,
    {
      ...ALL,
      'f:env': {
        ...ALL,
        ...Object.fromEntries(
          env.map((each) => [`k:{"name":"${each.name}"}`, { ...ALL, ...named(['name', 'value']) }]),
        ),
      },
      ...named(['image', 'imagePullPolicy', 'name', 'terminationMessagePath', 'terminationMessagePolicy']),
      'f:livenessProbe': {
        ...ALL,
        ...named(['failureThreshold', 'periodSeconds', 'successThreshold', 'timeoutSeconds']),
      },
      'f:ports': {
        ...ALL,
        ...Object.fromEntries(
          ports.map((each) => [
            `k:{"containerPort":${each.containerPort},"protocol":"TCP"}`,
            { ...ALL, ...named(['containerPort', 'name', 'protocol']) },
          ]),
        ),
      },
      'f:resources': {
        ...ALL,
        'f:limits': { ...ALL, ...named(['cpu', 'memory']) },
        'f:requests': { ...ALL, ...named(['cpu', 'memory']) },
      },
      'f:volumeMounts': { ...ALL, 'k:{"mountPath":"/data"}': { ...ALL, ...named(['mountPath', 'name']) } },
    },
  ]);
  const owners = (metadata?.ownerReferences ?? []).map(({ uid }) => [`k:{"uid":"${uid}"}`, {}]);
  const controller = {
    'f:metadata': {
      'f:generateName': {},
      'f:labels': { ...ALL, ...named(Object.keys(metadata?.labels ?? {})) },
      'f:ownerReferences': { ...ALL, ...Object.fromEntries(owners) },
    },
    'f:spec': {
      'f:containers': Object.fromEntries(containers),
      ...named([
        'dnsPolicy',
        'enableServiceLinks',
        'restartPolicy',
        'schedulerName',
        'securityContext',
        'serviceAccount',
        'serviceAccountName',
        'terminationGracePeriodSeconds',
      ]),
    },
  };
  const kubelet = {
    'f:status': {
      'f:conditions': Object.fromEntries(
        CONDITIONS.map((type) => [
          `k:{"type":"${type}"}`,
          {
            ...ALL,
            ...named(['lastProbeTime', 'lastTransitionTime', 'observedGeneration', 'status', 'type']),
          },
        ]),
      ),
      ...named(['containerStatuses', 'hostIP', 'hostIPs', 'observedGeneration', 'phase', 'podIP']),
      'f:podIPs': {
        ...ALL,
        [`k:{"ip":"10.${metadata?.uid.charCodeAt(0) ?? 0}.${metadata?.uid.charCodeAt(1) ?? 0}.7"}`]: {
          ...ALL,
          'f:ip': {},
        },
      },
      'f:startTime': {},
    },
  };
  const entry = (manager: string, subresource: string, fields: object): ManagedFieldsEntry => ({
    manager,
    operation: 'Update',
    apiVersion: 'v1',
    time: metadata?.creationTimestamp,
    fieldsType: 'FieldsV1',
    fieldsV1: { Raw: Buffer.from(JSON.stringify(fields)) },
    subresource,
  });
  return [entry('kube-controller-manager', '', controller), entry('kubelet', 'status', kubelet)];
}

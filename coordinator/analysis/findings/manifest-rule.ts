import { at, textOf } from '@lockstep/shared/kubernetes/stored-object.ts';
import type { ObjectRule } from './rule.ts';

/** What an agent found in the manifest directory of its node. */
export interface ManifestsOnRecord {
  readonly node: string;
  /** "kube-system/etcd-cp1": as their mirror pods are called. */
  readonly pods: ReadonlySet<string>;
}

/** Mirror pods of which no manifest is on record. Of nodes without a record nothing can be told. */
export function manifestRule(records: readonly ManifestsOnRecord[]): ObjectRule {
  const byNode = new Map(records.map(({ node, pods }) => [node, pods]));
  return {
    id: 'LS-T1543.005-no-manifest',
    title: 'A static pod has no manifest on record',
    techniques: ['T1543.005', 'T1610', 'T1070.004'],
    severity: 'high',
    why: 'kubelet ran it from a file of its node. The file was not in the manifest directory when the evidence was gathered: it was removed, or lies elsewhere.',
    innocent: 'The manifest was moved out, or changed, between the evidence and the snapshot.',
    kind: 'object',
    reports: 'state',
    resources: ['pods'],
    selects: () => true,
    traits: (object, { namespace, name }) => {
      if (at(object, 'metadata', 'annotations', 'kubernetes.io/config.mirror') === undefined) return [];
      const node = textOf(at(object, 'spec', 'nodeName'));
      const pods = byNode.get(node);
      if (pods === undefined || pods.has(`${namespace}/${name}`)) return [];
      return [{ field: 'spec.nodeName', value: node }];
    },
  };
}

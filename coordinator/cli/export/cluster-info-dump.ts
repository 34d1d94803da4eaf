import { undecodedText } from '@lockstep/shared/kubernetes/decoded.ts';
import type { JsonObject } from '@lockstep/shared/kubernetes/stored-object.ts';
import { visitLive } from '../../analysis/live.ts';
import { Exported, type ExportRequest } from './exported.ts';

interface DumpedList {
  readonly file: string;
  readonly kind: string;
  readonly apiVersion: string;
}

/** The files of `kubectl cluster-info dump --output-directory`, and the lists in them. */
const LISTS: Readonly<Record<string, DumpedList>> = {
  nodes: { file: 'nodes.json', kind: 'NodeList', apiVersion: 'v1' },
  events: { file: 'events.json', kind: 'EventList', apiVersion: 'v1' },
  replicationcontrollers: {
    file: 'replication-controllers.json',
    kind: 'ReplicationControllerList',
    apiVersion: 'v1',
  },
  services: { file: 'services.json', kind: 'ServiceList', apiVersion: 'v1' },
  'daemonsets.apps': { file: 'daemonsets.json', kind: 'DaemonSetList', apiVersion: 'apps/v1' },
  'deployments.apps': { file: 'deployments.json', kind: 'DeploymentList', apiVersion: 'apps/v1' },
  'replicasets.apps': { file: 'replicasets.json', kind: 'ReplicaSetList', apiVersion: 'apps/v1' },
  pods: { file: 'pods.json', kind: 'PodList', apiVersion: 'v1' },
};
/** Held before it is written to the files. */
const MAX_HELD_CHARACTERS = 8 * 1024 * 1024;

/** The layout of `kubectl cluster-info dump`, without the pods' logs, which no store holds. */
export function exportClusterInfoDump({ evidence, decoder, directory }: ExportRequest): Exported {
  const exported = new Exported();
  const { revision } = evidence.facts;
  const files = new Map<string, { readonly path: string; items: number; held: string }>();
  let held = 0;
  const flush = (): void => {
    for (const file of files.values()) {
      if (file.held !== '') directory.append(file.path, file.held);
      file.held = '';
    }
    held = 0;
  };
  const fileOf = (namespace: string, { file, kind, apiVersion }: DumpedList) => {
    const names = namespace === '' ? [file] : [namespace, file];
    const id = names.join('/');
    const known = files.get(id);
    if (known !== undefined) return known;
    const head = `{\n    "kind": "${kind}",\n    "apiVersion": "${apiVersion}",\n    "metadata": {\n        "resourceVersion": "${revision}"\n    },\n    "items": [`;
    const made = { path: directory.create(...names), items: 0, held: head };
    files.set(id, made);
    return made;
  };
  visitLive(evidence, { resource: 'namespaces' }, (_row, { name }) => {
    for (const [resource, list] of Object.entries(LISTS)) if (resource !== 'nodes') fileOf(name, list);
  });
  fileOf('', LISTS['nodes']!);
  visitLive(evidence, {}, (row, { resource, namespace }) => {
    const list = LISTS[resource];
    if (list === undefined) return exported.leaveOut('resources that this layout has no file for');
    const decoded = decoder.decode(row.value, { key: row.key, modRevision: row.main });
    if (decoded.form !== 'object') return exported.leaveOut(`not decoded: ${undecodedText(decoded)}`);
    const file = fileOf(namespace, list);
    const text = JSON.stringify(itemOf(decoded.object), null, 4).replaceAll('\n', '\n        ');
    file.held += `${file.items++ === 0 ? '' : ','}\n        ${text}`;
    held += text.length;
    exported.objects++;
    if (held > MAX_HELD_CHARACTERS) flush();
  });
  for (const file of files.values()) file.held += file.items === 0 ? ']\n}\n' : '\n    ]\n}\n';
  flush();
  return exported;
}

/** In a list of its kind an item does not say its kind again. */
function itemOf({ apiVersion: _apiVersion, kind: _kind, ...item }: JsonObject): JsonObject {
  return item;
}

import { at, type JsonObject, listOf, textOf } from '@lockstep/shared/kubernetes/stored-object.ts';
import type { LiveObject } from '../live.ts';

/** Data that a restore of the store brings back to no earlier state. */
export interface OutsideStore {
  readonly kind: 'volume' | 'claim without a volume' | 'path on a node';
  /** "persistentvolumes pv-7" */
  readonly subject: string;
  /** What holds the bytes: "csi ebs.csi.aws.com vol-0a1", "hostPath /var/lib/x". */
  readonly where: string;
  /** "team-01/data-db-0", or what mounts the path. */
  readonly usedBy: string;
  readonly note: string;
}

/** Resources that `OutsideStores` wants to see. */
export const OUTSIDE_RESOURCES: ReadonlySet<string> = new Set([
  'persistentvolumes',
  'persistentvolumeclaims',
  'pods',
]);

/** Fields of a volume that name whoever holds its bytes, beside `csi`. */
const SOURCES = [
  'hostPath',
  'local',
  'nfs',
  'iscsi',
  'fc',
  'rbd',
  'cephfs',
  'glusterfs',
  'awsElasticBlockStore',
  'gcePersistentDisk',
  'azureDisk',
  'azureFile',
  'vsphereVolume',
  'cinder',
  'portworxVolume',
] as const;
const NAMES_OF_SOURCE = [
  'path',
  'server',
  'volumeHandle',
  'volumeID',
  'pdName',
  'diskName',
  'volumePath',
  'targetPortal',
  'image',
] as const;
const MIRROR = 'kubernetes.io/config.mirror';

/** Given the current objects one by one, which data lie elsewhere. */
export class OutsideStores {
  readonly #found: OutsideStore[] = [];
  /** Paths on nodes by path: a DaemonSet's pods are one thing. */
  readonly #paths = new Map<string, Set<string>>();

  take({ resource, namespace, name, decoded }: LiveObject): void {
    if (decoded.form !== 'object') return;
    const { object } = decoded;
    if (resource === 'persistentvolumes') this.#volume(name, object);
    if (resource === 'persistentvolumeclaims') this.#claim(namespace, name, object);
    if (resource === 'pods') this.#pod(namespace, name, object);
  }

  result(): OutsideStore[] {
    const paths = [...this.#paths].map(
      ([path, users]): OutsideStore => ({
        kind: 'path on a node',
        subject: path,
        where: `hostPath ${path}`,
        usedBy: someOf([...users]),
        note: 'What pods wrote there stays on each node after a restore.',
      }),
    );
    return [...this.#found, ...paths.sort((a, b) => (a.subject < b.subject ? -1 : 1))];
  }

  #volume(name: string, object: JsonObject): void {
    const claim = at(object, 'spec', 'claimRef');
    const phase = textOf(at(object, 'status', 'phase'));
    const reclaim = textOf(at(object, 'spec', 'persistentVolumeReclaimPolicy'));
    this.#found.push({
      kind: 'volume',
      subject: `persistentvolumes ${name}`,
      where: sourceOf(at(object, 'spec')),
      usedBy: claim === undefined ? '' : `${textOf(at(claim, 'namespace'))}/${textOf(at(claim, 'name'))}`,
      note: [phase, reclaim === '' ? '' : `on release: ${reclaim}`].filter(Boolean).join(', '),
    });
  }

  #claim(namespace: string, name: string, object: JsonObject): void {
    if (textOf(at(object, 'spec', 'volumeName')) !== '') return;
    this.#found.push({
      kind: 'claim without a volume',
      subject: `persistentvolumeclaims ${namespace}/${name}`,
      where: `storage class ${textOf(at(object, 'spec', 'storageClassName')) || '(default)'}`,
      usedBy: `${namespace}/${name}`,
      note: textOf(at(object, 'status', 'phase')),
    });
  }

  #pod(namespace: string, name: string, object: JsonObject): void {
    // The control plane's own: its paths are what Lockstep restores, or configuration.
    if (at(object, 'metadata', 'annotations', MIRROR) !== undefined) return;
    const owner = listOf(at(object, 'metadata', 'ownerReferences'))[0];
    const who =
      owner === undefined
        ? `${namespace}/${name}`
        : `${textOf(at(owner, 'kind'))} ${namespace}/${textOf(at(owner, 'name'))}`;
    for (const volume of listOf(at(object, 'spec', 'volumes'))) {
      const path = textOf(at(volume, 'hostPath', 'path'));
      if (path === '') continue;
      const users = this.#paths.get(path) ?? new Set();
      this.#paths.set(path, users.add(who));
    }
  }
}

const MAX_USERS = 4;

function someOf(users: readonly string[]): string {
  const shown = users.slice(0, MAX_USERS).join(', ');
  return users.length > MAX_USERS ? `${shown} and ${users.length - MAX_USERS} more` : shown;
}

function sourceOf(spec: unknown): string {
  const csi = at(spec, 'csi');
  if (csi !== undefined) return `csi ${textOf(at(csi, 'driver'))} ${textOf(at(csi, 'volumeHandle'))}`;
  const kind = SOURCES.find((name) => at(spec, name) !== undefined);
  if (kind === undefined) return 'a source of another kind';
  const names = NAMES_OF_SOURCE.map((name) => textOf(at(spec, kind, name))).filter(Boolean);
  return [kind, ...names].join(' ');
}

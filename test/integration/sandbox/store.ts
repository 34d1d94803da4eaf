import { createCipheriv, randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeArchive } from '@lockstep/coordinator/cli/testing/archive.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { baseline } from '../../demo/baseline.ts';
import type { EtcdTools } from '../../lab/tools/locate.ts';
import { Etcd } from '../snapshot/etcd.ts';

/** One of the baseline's objects in so many: of every kind there are some left. */
const EVERY = 5;
export const SECRET_KEY = '/registry/secrets/team-01/sealed';
export const PASSWORD = 'kept-in-the-dark';

/**
 * A store as an intruder leaves it: everybody may do everything, a webhook that nobody answers
 * stops every write, and a kubelet waits at an address of his own.
 */
export class IntrudedStore implements Disposable {
  readonly snapshot: string;
  readonly encryptionConfig: string;
  /** Of the node `trap`: a pod that the store shows, one that it does not, and one that is none. */
  readonly archive: string;
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.snapshot = join(directory, 'intruded.db');
    this.encryptionConfig = join(directory, 'encryption.yaml');
    this.archive = join(directory, 'trap.tar.zst');
  }

  /** `trap`: a port of loopback that is listened on, and that nobody should come to. */
  static async make(tools: EtcdTools, trap: number): Promise<IntrudedStore> {
    const store = new IntrudedStore(mkdtempSync(join(tmpdir(), 'lockstep-intruded-')));
    await using etcd = await Etcd.start(tools);
    const key = randomBytes(32);
    for (const batch of batches([...entries(), ...intrusion(trap), [SECRET_KEY, sealed(key)]])) {
      await etcd.putAll(batch);
    }
    writeFileSync(store.encryptionConfig, encryptionOf(key), { mode: 0o600 });
    copyFileSync(await etcd.snapshot(), store.snapshot);
    await writeArchive(store.archive, {
      cluster: 'intruded',
      node: 'trap',
      atMs: Date.parse('2026-11-22T11:00:00Z'),
      files: staticPodFiles(),
    });
    return store;
  }

  sha256(): string {
    return sha256Hex(readFileSync(this.snapshot));
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

type Put = readonly [string, string | Uint8Array];

function entries(): Put[] {
  const node = { name: 'cp1', address: '10.0.0.1' };
  const options = { seed: 1, caPem: 'a CA', controlPlane: [node], kubernetesVersion: 'v1.34.0' };
  const small = [...baseline(options)].filter(({ value }) => value.length < 100_000);
  const isLandmark = (key: string): boolean => key.startsWith('/registry/namespaces/');
  return small
    .filter(({ key }, index) => isLandmark(key) || index % EVERY === 0)
    .map(({ key, value }) => [key, value]);
}

function intrusion(trap: number): Put[] {
  const rbac = 'rbac.authorization.k8s.io';
  return [
    object('clusterrolebindings', rbac, 'v1', 'ClusterRoleBinding', 'everybody', {
      subjects: [{ kind: 'Group', apiGroup: rbac, name: 'system:authenticated' }],
      roleRef: { kind: 'ClusterRole', apiGroup: rbac, name: 'cluster-admin' },
    }),
    object(
      'validatingwebhookconfigurations',
      'admissionregistration.k8s.io',
      'v1',
      'ValidatingWebhookConfiguration',
      'gate',
      {
        webhooks: [
          {
            name: 'gate.intruder.example',
            clientConfig: { url: `https://127.0.0.1:${trap}/` },
            failurePolicy: 'Fail',
            sideEffects: 'None',
            admissionReviewVersions: ['v1'],
            timeoutSeconds: 5,
            rules: [
              { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'], scope: '*' },
            ],
          },
        ],
      },
    ),
    object('minions', '', 'v1', 'Node', 'trap', {
      status: {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: trap } },
        nodeInfo: { kubeletVersion: 'v1.34.1' },
      },
    }),
    object(
      'pods',
      '',
      'v1',
      'Pod',
      'bait-trap',
      {
        spec: { nodeName: 'trap', containers: [{ name: 'bait', image: 'bait' }] },
        status: { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] },
      },
      'team-01',
    ),
    object(
      'apiregistration.k8s.io/apiservices',
      'apiregistration.k8s.io',
      'v1',
      'APIService',
      'v1.intruder.example',
      {
        spec: {
          group: 'intruder.example',
          version: 'v1',
          groupPriorityMinimum: 100,
          versionPriority: 100,
          insecureSkipTLSVerify: true,
          service: { namespace: 'team-01', name: 'trap', port: trap },
        },
      },
    ),
    object(
      'services/specs',
      '',
      'v1',
      'Service',
      'trap',
      {
        spec: { type: 'ExternalName', externalName: '127.0.0.1', ports: [{ port: trap, protocol: 'TCP' }] },
      },
      'team-01',
    ),
  ];
}

function object(
  storedUnder: string,
  group: string,
  version: string,
  kind: string,
  name: string,
  fields: object,
  namespace?: string,
): Put {
  const metadata = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid: `00000000-0000-4000-8000-${sha256Hex(Buffer.from(kind + name)).slice(0, 12)}`,
    creationTimestamp: '2026-11-22T10:00:00Z',
  };
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const where = namespace === undefined ? name : `${namespace}/${name}`;
  return [`/registry/${storedUnder}/${where}`, JSON.stringify({ kind, apiVersion, metadata, ...fields })];
}

/** As kube-apiserver's aescbc provider writes it: a random vector, then CBC. */
function sealed(key: Buffer): Buffer {
  const secret = JSON.stringify({
    kind: 'Secret',
    apiVersion: 'v1',
    metadata: {
      name: 'sealed',
      namespace: 'team-01',
      uid: 'c0ffee',
      creationTimestamp: '2026-11-22T10:00:00Z',
    },
    data: { password: Buffer.from(PASSWORD).toString('base64') },
    type: 'Opaque',
  });
  const vector = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', key, vector);
  return Buffer.concat([
    Buffer.from('k8s:enc:aescbc:v1:one:'),
    vector,
    cipher.update(secret),
    cipher.final(),
  ]);
}

function encryptionOf(key: Buffer): string {
  return `kind: EncryptionConfiguration
apiVersion: apiserver.config.k8s.io/v1
resources:
- resources: [secrets]
  providers:
  - aescbc: {keys: [{name: one, secret: ${key.toString('base64')}}]}
`;
}

function* batches(all: readonly Put[]): Generator<Put[]> {
  for (let at = 0; at < all.length; at += 50) yield all.slice(at, at + 50);
}

const MANIFESTS = '/etc/kubernetes/manifests';
/** As kubelet takes them: a name that no API server takes is one of them. */
export const STATIC_PODS = {
  bait: manifestOf('bait', 'bait'),
  miner: manifestOf('miner', 'miner'),
  broken: manifestOf('broken', 'Not A Name'),
};

function manifestOf(name: string, container: string): string {
  return `apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: team-01}
spec:
  hostNetwork: true
  containers: [{name: ${container}, image: registry.example/${name}:1}]
`;
}

function staticPodFiles(): Record<string, string> {
  const names = Object.entries(STATIC_PODS);
  const manifests = names.map(([name, text]) => ({
    path: `${MANIFESTS}/${name}.yaml`,
    sha256: sha256Hex(text),
    sizeBytes: text.length,
    pod: `team-01/${name}`,
  }));
  return {
    ...Object.fromEntries(names.map(([name, text]) => [`static-pods/${name}.yaml`, text])),
    'static-pods/static-pods.json': JSON.stringify({ manifests, runningWithoutManifest: [] }),
  };
}

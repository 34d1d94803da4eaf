import { createHash, X509Certificate } from 'node:crypto';
import type { EncryptionUse, ObjectCount } from '../generated/lockstep/v1/snapshot.ts';
import { encryptionPrefix } from '../kubernetes/envelope.ts';
import { configMapData, serviceWebhooks } from '../kubernetes/kinds.ts';
import { parseStorageKey } from '../kubernetes/storage-key.ts';
import { decodeStored, type StoredObject } from '../kubernetes/stored-object.ts';
import type { KeyBucket, LiveRow } from './live-rows.ts';
import { findRegistryPrefix } from './registry-prefix.ts';

export interface KubernetesFacts {
  readonly registryPrefix: string;
  readonly objects: ObjectCount[];
  readonly encryption: EncryptionUse[];
  readonly clusterCaSha256: string;
  readonly kubernetesVersion: string;
  readonly orphanWebhooks: string[];
}

type ReadValue = (row: LiveRow) => Uint8Array | undefined;

/** What Kubernetes has stored, as far as it can be read without a key. */
export function kubernetesFacts(bucket: KeyBucket, readValue: ReadValue): KubernetesFacts {
  const { live } = bucket;
  const registryPrefix = findRegistryPrefix(live.keys());
  if (registryPrefix === '') {
    return {
      registryPrefix,
      objects: [],
      encryption: [],
      clusterCaSha256: '',
      kubernetesVersion: '',
      orphanWebhooks: [],
    };
  }
  const decode = (key: string): StoredObject | undefined => {
    const row = live.get(key);
    const value = row === undefined ? undefined : readValue(row);
    return value === undefined ? undefined : decodeStored(value);
  };
  return {
    registryPrefix,
    objects: countObjects(live.keys(), registryPrefix),
    encryption: encryptionUses(bucket, registryPrefix, readValue),
    clusterCaSha256: clusterCa(live, registryPrefix, decode),
    kubernetesVersion: kubernetesVersion(decode(`${registryPrefix}/configmaps/kube-system/kubeadm-config`)),
    orphanWebhooks: orphanWebhooks(live, registryPrefix, decode),
  };
}

/** Sorted by resource, then namespace. */
export function countObjects(keys: Iterable<string>, registryPrefix: string): ObjectCount[] {
  const counts = new Map<string, ObjectCount>();
  for (const key of keys) {
    const parsed = parseStorageKey(key, registryPrefix);
    if (parsed === undefined) continue;
    const { resource, namespace } = parsed;
    const id = `${resource}\0${namespace}`;
    const count = counts.get(id);
    if (count === undefined) {
      counts.set(id, { resource: utf8(resource), namespace: utf8(namespace), count: 1n });
    } else {
      count.count++;
    }
  }
  return [...counts.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
}

/** Values looked at for a sample: the smallest of them travels, for samples go into cards and plans. */
const SAMPLE_CANDIDATES = 16;

function encryptionUses(bucket: KeyBucket, registryPrefix: string, readValue: ReadValue): EncryptionUse[] {
  const uses = bucket.encryptionPrefixes.map(() => ({ count: 0n, candidates: [] as [string, LiveRow][] }));
  for (const [key, row] of bucket.live) {
    if (!key.startsWith(`${registryPrefix}/`)) continue;
    const use = uses[row.prefix]!;
    use.count++;
    if (row.prefix !== 0 && use.candidates.length < SAMPLE_CANDIDATES) use.candidates.push([key, row]);
  }
  const [plain, ...encrypted] = uses;
  const found = encrypted.flatMap(({ count, candidates }, index): EncryptionUse[] => {
    const prefix = encryptionPrefix(Buffer.from(bucket.encryptionPrefixes[index + 1]!, 'latin1'));
    const samples = candidates.flatMap(([key, row]) => {
      const value = readValue(row);
      return value === undefined ? [] : [{ key, value }];
    });
    const [smallest] = samples.sort((a, b) => a.value.length - b.value.length);
    if (prefix === undefined || smallest === undefined) return [];
    const { provider, keyName } = prefix;
    return [
      { provider, keyName, count, sampleKey: utf8(smallest.key), sampleValue: Buffer.from(smallest.value) },
    ];
  });
  if (plain === undefined || plain.count === 0n) return found;
  return [plainUse(bucket, registryPrefix, plain.count), ...found];
}

/** Names a secret where one is stored plain, and never shows a value: facts travel in cards and plans. */
function plainUse(bucket: KeyBucket, registryPrefix: string, count: bigint): EncryptionUse {
  let sampleKey = '';
  for (const [key, row] of bucket.live) {
    if (row.prefix !== 0) continue;
    const isSecret = key.startsWith(`${registryPrefix}/secrets/`);
    if (isSecret || (sampleKey === '' && key.startsWith(`${registryPrefix}/`))) sampleKey = key;
    if (isSecret) break;
  }
  return { provider: '', keyName: '', count, sampleKey: utf8(sampleKey), sampleValue: Buffer.alloc(0) };
}

/** From kube-system's kube-root-ca.crt; every namespace holds a copy, should that one be gone or unreadable. */
function clusterCa(
  live: ReadonlyMap<string, LiveRow>,
  registryPrefix: string,
  decode: (key: string) => StoredObject | undefined,
): string {
  const name = '/kube-root-ca.crt';
  const first = `${registryPrefix}/configmaps/kube-system${name}`;
  const under = `${registryPrefix}/configmaps/`;
  const others = [...live.keys()].filter((key) => key.startsWith(under) && key.endsWith(name)).sort();
  for (const key of [first, ...others]) {
    const object = decode(key);
    const pem = object === undefined ? undefined : configMapData(object).get('ca.crt');
    const fingerprint = pem === undefined ? '' : certificateSha256(pem);
    if (fingerprint !== '') return fingerprint;
  }
  return '';
}

/** SHA-256 over the DER of the first certificate; empty where there is none. */
function certificateSha256(pem: string): string {
  try {
    return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
  } catch {
    return '';
  }
}

function kubernetesVersion(kubeadmConfig: StoredObject | undefined): string {
  const text =
    kubeadmConfig === undefined ? undefined : configMapData(kubeadmConfig).get('ClusterConfiguration');
  return /^kubernetesVersion:\s*["']?(v[0-9][^\s"']*)/m.exec(text ?? '')?.[1] ?? '';
}

/** What would stop the API from accepting writes: it fails closed, and nobody can answer it. */
function orphanWebhooks(
  live: ReadonlyMap<string, LiveRow>,
  registryPrefix: string,
  decode: (key: string) => StoredObject | undefined,
): string[] {
  const orphans: string[] = [];
  for (const resource of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) {
    const under = `${registryPrefix}/${resource}/`;
    for (const key of live.keys()) {
      if (!key.startsWith(under)) continue;
      const object = decode(key);
      for (const webhook of object === undefined ? [] : serviceWebhooks(object)) {
        const service = `${webhook.serviceNamespace}/${webhook.serviceName}`;
        const absent = !live.has(`${registryPrefix}/services/specs/${service}`);
        if (webhook.failurePolicy === 'Fail' && absent) {
          orphans.push(`${resource}/${utf8(key.slice(under.length))} ${webhook.name} -> ${service}`);
        }
      }
    }
  }
  return orphans.sort();
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}

import { createHash, X509Certificate } from 'node:crypto';
import type { EncryptionUse, ObjectCount } from '../generated/lockstep/v1/snapshot.ts';
import { encryptionPrefix } from '../kubernetes/envelope.ts';
import { configMapData, serviceWebhooks } from '../kubernetes/kinds.ts';
import { parseStorageKey } from '../kubernetes/storage-key.ts';
import { decodeStored, type StoredObject } from '../kubernetes/stored-object.ts';
import type { KeyTable, LiveRow } from './key-table.ts';
import type { KeyBucket } from './live-rows.ts';
import { findRegistryPrefix } from './registry-prefix.ts';
import type { Steps } from './steps.ts';

export interface KubernetesFacts {
  readonly registryPrefix: string;
  readonly objects: ObjectCount[];
  readonly encryption: EncryptionUse[];
  readonly clusterCaSha256: string;
  readonly kubernetesVersion: string;
  readonly orphanWebhooks: string[];
}

/** Counts of a card by resource and namespace; where they are more, by resource alone. */
export const MAX_OBJECT_COUNTS = 1000;
/** Looked at between one step and the next. */
const STEP_KEYS = 2048;

type ReadValue = (row: LiveRow) => Uint8Array | undefined;

/** What Kubernetes has stored, as far as it can be read without a key. */
export function* kubernetesFacts(bucket: KeyBucket, readValue: ReadValue): Steps<KubernetesFacts> {
  const { live } = bucket;
  const registryPrefix = yield* findRegistryPrefix(live);
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
  const objects = new ObjectCounts(registryPrefix, MAX_OBJECT_COUNTS);
  const encryption = new EncryptionUses(bucket, registryPrefix, readValue);
  const webhooks: string[] = [];
  // Once over all keys: a large store has a million of them.
  let sinceStep = 0;
  for (const [key, row] of live) {
    if (++sinceStep === STEP_KEYS) {
      sinceStep = 0;
      yield;
    }
    if (!key.startsWith(`${registryPrefix}/`)) continue;
    objects.add(key);
    encryption.add(key, row);
    if (isWebhookConfiguration(key, registryPrefix)) webhooks.push(key);
  }
  return {
    registryPrefix,
    objects: objects.sorted(),
    encryption: encryption.found(),
    clusterCaSha256: yield* clusterCa(live, registryPrefix, decode),
    kubernetesVersion: kubernetesVersion(decode(`${registryPrefix}/configmaps/kube-system/kubeadm-config`)),
    orphanWebhooks: orphanWebhooks(webhooks, live, registryPrefix, decode),
  };
}

/** Sorted by resource, then namespace. */
export function countObjects(keys: Iterable<string>, registryPrefix: string): ObjectCount[] {
  const counts = new ObjectCounts(registryPrefix);
  for (const key of keys) counts.add(key);
  return counts.sorted();
}

/** Directories of which it is remembered what lies there. */
const MAX_DIRECTORIES = 4096;

interface Tally {
  /** latin1, as is the namespace. */
  readonly resource: string;
  readonly namespace: string;
  /** Not a bigint: each step of one is an object of its own. */
  count: number;
}

/**
 * Objects by resource and namespace. Where these come to be more than `most`, by resource alone:
 * every namespace of a large cluster would make a card of megabytes, of which many are listed at once.
 */
class ObjectCounts {
  readonly #registryPrefix: string;
  readonly #most: number;
  #byNamespace = true;
  /** By "resource\0namespace". */
  #tallies = new Map<string, Tally>();
  /** By what a key is up to its last slash: keys are many, those are few. */
  readonly #tallyOf = new Map<string, Tally>();

  constructor(registryPrefix: string, most = Number.POSITIVE_INFINITY) {
    this.#registryPrefix = registryPrefix;
    this.#most = most;
  }

  /** A key outside the registry does not count. */
  add(key: string): void {
    const directory = key.slice(0, key.lastIndexOf('/'));
    const known = this.#tallyOf.get(directory);
    if (known !== undefined) {
      known.count++;
      return;
    }
    const parsed = parseStorageKey(key, this.#registryPrefix);
    if (parsed === undefined) return;
    const tally = this.#tally(parsed.resource, parsed.namespace);
    tally.count++;
    if (this.#tallies.size > this.#most) this.#forgetNamespaces();
    // With two segments before the last one, its name has no say in what a key is of.
    else if (directory.indexOf('/', this.#registryPrefix.length + 1) > 0) {
      if (this.#tallyOf.size === MAX_DIRECTORIES) this.#tallyOf.clear();
      this.#tallyOf.set(directory, tally);
    }
  }

  sorted(): ObjectCount[] {
    return [...this.#tallies]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { resource, namespace, count }]) => ({
        resource: utf8(resource),
        namespace: utf8(namespace),
        count: BigInt(count),
      }));
  }

  #tally(resource: string, namespace: string): Tally {
    const within = this.#byNamespace ? namespace : '';
    const id = `${resource}\0${within}`;
    const known = this.#tallies.get(id);
    if (known !== undefined) return known;
    const tally = { resource, namespace: within, count: 0 };
    this.#tallies.set(id, tally);
    return tally;
  }

  #forgetNamespaces(): void {
    const before = this.#tallies;
    this.#byNamespace = false;
    this.#tallies = new Map();
    this.#tallyOf.clear();
    for (const { resource, count } of before.values()) this.#tally(resource, '').count += count;
  }
}

/** Values looked at for a sample: the smallest of them travels, for samples go into cards and plans. */
const SAMPLE_CANDIDATES = 16;

class EncryptionUses {
  readonly #prefixes: readonly string[];
  readonly #readValue: ReadValue;
  readonly #secrets: string;
  readonly #uses: { count: number; readonly candidates: [string, LiveRow][] }[];
  /** Names a secret where one is stored plain, else anything plain. */
  #plainKey = '';
  #plainSecret = '';

  constructor(bucket: KeyBucket, registryPrefix: string, readValue: ReadValue) {
    this.#prefixes = bucket.encryptionPrefixes;
    this.#readValue = readValue;
    this.#secrets = `${registryPrefix}/secrets/`;
    this.#uses = this.#prefixes.map(() => ({ count: 0, candidates: [] }));
  }

  add(key: string, row: LiveRow): void {
    const use = this.#uses[row.note]!;
    use.count++;
    if (row.note !== 0) {
      if (use.candidates.length < SAMPLE_CANDIDATES) use.candidates.push([key, row]);
    } else if (this.#plainSecret === '') {
      this.#plainKey ||= key;
      if (key.startsWith(this.#secrets)) this.#plainSecret = key;
    }
  }

  found(): EncryptionUse[] {
    const [plain, ...encrypted] = this.#uses;
    const found = encrypted.flatMap(({ count, candidates }, index): EncryptionUse[] => {
      const prefix = encryptionPrefix(Buffer.from(this.#prefixes[index + 1]!, 'latin1'));
      const samples = candidates.flatMap(([key, row]) => {
        const value = this.#readValue(row);
        return value === undefined ? [] : [{ key, value }];
      });
      const [smallest] = samples.sort((a, b) => a.value.length - b.value.length);
      if (prefix === undefined || smallest === undefined) return [];
      return [
        {
          provider: prefix.provider,
          keyName: prefix.keyName,
          count: BigInt(count),
          sampleKey: utf8(smallest.key),
          sampleValue: Buffer.from(smallest.value),
        },
      ];
    });
    if (plain === undefined || plain.count === 0) return found;
    return [this.#plainUse(BigInt(plain.count)), ...found];
  }

  /** Never shows a value: facts travel in cards and plans. */
  #plainUse(count: bigint): EncryptionUse {
    const sampleKey = utf8(this.#plainSecret || this.#plainKey);
    return { provider: '', keyName: '', count, sampleKey, sampleValue: Buffer.alloc(0) };
  }
}

/** From kube-system's kube-root-ca.crt; every namespace holds a copy, should that one be gone or unreadable. */
function* clusterCa(
  live: KeyTable,
  registryPrefix: string,
  decode: (key: string) => StoredObject | undefined,
): Steps<string> {
  const under = `${registryPrefix}/configmaps/`;
  const first = clusterCaIn(decode(`${under}kube-system${CLUSTER_CA_NAME}`));
  if (first !== '') return first;
  const others = (yield* live.endingWith(CLUSTER_CA_NAME)).filter((key) => key.startsWith(under)).sort();
  for (const key of others) {
    const fingerprint = clusterCaIn(decode(key));
    if (fingerprint !== '') return fingerprint;
    yield;
  }
  return '';
}

const CLUSTER_CA_NAME = '/kube-root-ca.crt';

function clusterCaIn(object: StoredObject | undefined): string {
  const pem = object === undefined ? undefined : configMapData(object).get('ca.crt');
  return pem === undefined ? '' : certificateSha256(pem);
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

const WEBHOOK_CONFIGURATIONS = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'];

function isWebhookConfiguration(key: string, registryPrefix: string): boolean {
  const at = registryPrefix.length + 1;
  return WEBHOOK_CONFIGURATIONS.some((resource) => key.startsWith(`${resource}/`, at));
}

/** What would stop the API from accepting writes: it fails closed, and nobody can answer it. */
function orphanWebhooks(
  configurations: readonly string[],
  live: KeyTable,
  registryPrefix: string,
  decode: (key: string) => StoredObject | undefined,
): string[] {
  const orphans: string[] = [];
  for (const key of configurations) {
    const object = decode(key);
    for (const webhook of object === undefined ? [] : serviceWebhooks(object)) {
      const service = `${webhook.serviceNamespace}/${webhook.serviceName}`;
      const absent = !live.has(`${registryPrefix}/services/specs/${service}`);
      if (webhook.failurePolicy === 'Fail' && absent) {
        orphans.push(`${utf8(key.slice(registryPrefix.length + 1))} ${webhook.name} -> ${service}`);
      }
    }
  }
  return orphans.sort();
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}

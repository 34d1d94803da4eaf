import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EtcdEndpoint } from '@lockstep/shared/etcd/channel.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import type { Entry } from '../../demo/baseline/entry.ts';
import { load } from '../../demo/baseline.ts';
import { clusterCa } from '../../demo/lab-access.ts';
import { EtcdStore } from '../../lab/api-server/store.ts';
import { Lab } from '../../lab/lab.ts';
import { hostPaths } from '../../lab/layout/paths.ts';
import { processesOfLab } from '../../lab/processes.ts';
import { until } from '../../lab/wait.ts';
import { type ClusterDataOptions, clusterData } from '../cluster-data.ts';

const QUOTA_FLAG = `--quota-backend-bytes=${8 * 1024 ** 3}`;
const READY_TIMEOUT_MS = 60_000;
const STATUS_TIMEOUT_MS = 10_000;
/** Added between two looks at how large the store has become. */
const STEP_SHARE = 0.25;
const LEAST_STEP_BYTES = 1_000_000;

/** A lab whose store grows to any size; without API servers, whose caches would hold all of it. */
export class GrownLab implements AsyncDisposable {
  readonly lab: Lab;
  readonly #options: ClusterDataOptions;
  readonly #data: Iterator<Entry>;

  private constructor(lab: Lab, caPem: string) {
    this.lab = lab;
    const { kubernetesVersion } = lab.description;
    this.#options = { caPem, controlPlane: lab.nodes, kubernetesVersion };
    this.#data = clusterData(this.#options);
  }

  static async up(options: {
    readonly nodes: number;
    readonly etcdVersion: string;
    readonly say: (line: string) => void;
  }): Promise<GrownLab> {
    const lab = await Lab.up(options);
    try {
      for (const node of lab.nodes) {
        await parkAllButEtcd(node.path(hostPaths.manifests), node.path('/etc/kubernetes/parked'));
        await raiseQuota(node.path(join(hostPaths.manifests, 'etcd.yaml')));
      }
      const grown = new GrownLab(lab, await clusterCa(lab));
      await until(
        'every etcd runs with its new quota',
        () => grown.#hasQuota(),
        AbortSignal.timeout(READY_TIMEOUT_MS),
      );
      return grown;
    } catch (thrown) {
      await lab.down();
      throw thrown;
    }
  }

  /** Where a node's member answers, and who asks. */
  async endpoint(index = 0): Promise<EtcdEndpoint> {
    const node = this.#node(index);
    const pki = join(node.path(hostPaths.pki), 'etcd');
    const [ca, cert, key] = await Promise.all(
      ['ca.crt', 'healthcheck-client.crt', 'healthcheck-client.key'].map((name) => readFile(join(pki, name))),
    );
    if (ca === undefined || cert === undefined || key === undefined) throw new Error('no PKI');
    return { url: `https://${node.address}:2379`, tls: { ca, cert, key } };
  }

  /** What a member's store takes on its disk. */
  async sizeBytes(): Promise<number> {
    using client = new EtcdClient(await this.endpoint());
    return Number((await client.status(AbortSignal.timeout(STATUS_TIMEOUT_MS))).dbSize);
  }

  /** Writes objects until the store has at least that size. */
  async growTo(sizeBytes: number): Promise<void> {
    using store = this.#store();
    for (;;) {
      const missing = sizeBytes - (await this.sizeBytes());
      if (missing <= 0) return;
      await load(
        store,
        this.#next(Math.max(LEAST_STEP_BYTES, Math.min(missing * 0.9, sizeBytes * STEP_SHARE))),
      );
    }
  }

  /** Writes these, whatever was there. */
  async write(entries: Iterable<Entry>): Promise<void> {
    using store = this.#store();
    await load(store, entries);
  }

  /** What has been written so far, from the beginning, without an end: objects that will be there too. */
  *written(): Generator<Entry> {
    yield* clusterData(this.#options);
  }

  /** The newest agent process of a node. */
  async agentPid(index = 0): Promise<number> {
    const main = await this.#node(index).unitProcess('lockstep-agent');
    if (main === undefined) throw new Error('no agent runs');
    return main.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab.down();
  }

  *#next(bytes: number): Generator<Entry> {
    for (let written = 0; written < bytes; ) {
      const { value, done } = this.#data.next();
      if (done === true) return;
      written += value.value.length;
      yield value;
    }
  }

  #store(): EtcdStore {
    const pki = join(this.#node(0).path(hostPaths.pki), 'etcd');
    return new EtcdStore({
      servers: this.lab.nodes.map(({ address }) => `https://${address}:2379`),
      caFile: join(pki, 'ca.crt'),
      certFile: join(pki, 'healthcheck-client.crt'),
      keyFile: join(pki, 'healthcheck-client.key'),
    });
  }

  #node(index: number) {
    const node = this.lab.nodes[index];
    if (node === undefined) throw new Error(`the lab has no node ${index}`);
    return node;
  }

  async #hasQuota(): Promise<boolean> {
    const commands = processesOfLab(this.lab.description.id).map(({ pid }) => commandOf(pid));
    if (commands.filter((command) => command.includes(QUOTA_FLAG)).length < this.lab.nodes.length)
      return false;
    const healthy = await Promise.all(
      this.lab.nodes.map((node) => this.lab.etcdctl(node, ['endpoint', 'health'])),
    );
    return healthy.every(({ exitCode }) => exitCode === 0);
  }
}

async function parkAllButEtcd(manifests: string, parked: string): Promise<void> {
  await mkdir(parked, { recursive: true });
  for (const name of readdirSync(manifests)) {
    if (name.startsWith('kube-')) await rename(join(manifests, name), join(parked, name));
  }
}

async function raiseQuota(manifest: string): Promise<void> {
  const text = await readFile(manifest, 'utf8');
  const flag = /^( *- )--data-dir=.*$/m;
  if (!flag.test(text)) throw new Error(`${manifest} names no data directory`);
  await writeFile(
    manifest,
    text.replace(flag, (line, indent: string) => `${line}\n${indent}${QUOTA_FLAG}`),
  );
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

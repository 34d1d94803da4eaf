import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Agent } from 'node:https';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { liveObjects } from '@lockstep/coordinator/analysis/live.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { openEvidence } from '@lockstep/shared/evidence/open.ts';
import { Decoder } from '@lockstep/shared/kubernetes/decode.ts';
import { parseEncryptionConfiguration } from '@lockstep/shared/kubernetes/encryption-configuration.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultPlaces, locateProgram, locateTools } from '../../lab/tools/locate.ts';
import { lockstep } from '../cli/command-line.ts';
import { differences } from './differences.ts';
import { RunningSandbox } from './running-sandbox.ts';
import { IntrudedStore, PASSWORD, STATIC_PODS } from './store.ts';

/* A real kube-apiserver on a copy of a store that an intruder left: `npm run test:sandbox` builds one. */

const apiserver = await locateProgram('kube-apiserver', defaultPlaces());
const program = apiserver ?? '';
const { etcd: tools } = await locateTools();

let trap: Server;
let caught = 0;
let store: IntrudedStore;

beforeAll(async () => {
  if (apiserver === undefined) return;
  trap = createServer((socket) => {
    caught++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
  const address = trap.address();
  store = await IntrudedStore.make(tools, typeof address === 'object' ? (address?.port ?? 0) : 0);
});

afterAll(() => {
  store?.[Symbol.dispose]();
  trap?.close();
});

const CONFIG_MAP = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'written', namespace: 'team-01' },
  data: { a: 'b' },
};
const CONFIG_MAPS = '/api/v1/namespaces/team-01/configmaps';
const BAIT = '/api/v1/namespaces/team-01/pods/bait-trap';

describe.runIf(apiserver !== undefined)('a sandbox with an API', () => {
  let sandbox: RunningSandbox;
  let sha256: string;

  beforeAll(async () => {
    sha256 = store.sha256();
    sandbox = await RunningSandbox.start(
      tools,
      store.snapshot,
      program,
      '--encryption-config',
      store.encryptionConfig,
      '--evidence',
      store.archive,
    );
  });

  it('is for its owner alone: on loopback, by a kubeconfig that nobody else reads', async () => {
    const { directory, pid, api } = sandbox.ready;
    expect(lstatSync(directory).mode & 0o777).toBe(0o700);
    const open = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => {
      const stats = lstatSync(join(directory, name));
      // etcd's own lie in directories that are their owner's alone.
      return !name.startsWith('store/') && stats.isFile() && (stats.mode & 0o077) !== 0;
    });
    expect(open).toEqual([]);
    expect(listening(pid)).toEqual([]);
    expect(listening(api.pid)).toEqual([new URL(api.url).host]);
    const words = readFileSync(`/proc/${api.pid}/cmdline`, 'utf8');
    expect(words).not.toMatch(/PRIVATE|secret:|token=/u);
    const stranger = new Agent({ ca: sandbox.client.ca });
    expect((await sandbox.client.ask('GET', '/api/v1/pods', undefined, {}, stranger)).status).toBe(401);
    stranger.destroy();
  });

  it('answers every object as `inspect get` prints it, field for field', async () => {
    using evidence = openEvidence(store.snapshot);
    const encryption = parseEncryptionConfiguration(readFileSync(store.encryptionConfig, 'utf8'));
    const decoder = new Decoder({ registryPrefix: evidence.facts.registryPrefix, encryption });
    const written = new Set(sandbox.ready.api.wrote.map(({ key }) => key));
    const differing: string[] = [];
    const defaulted = new Set<string>();
    let equal = 0;
    for (const { key, resource, namespace, name, decoded } of liveObjects(evidence, decoder)) {
      if (written.has(key) || decoded.form !== 'object') continue;
      const ours = JSON.parse(JSON.stringify(decoded.object)) as Record<string, unknown>;
      const path = pathOf(String(ours['apiVersion']), resource, namespace, name);
      const { status, text } = await sandbox.client.ask('GET', path);
      // Of a kind whose definition the store does not hold the API knows nothing.
      if (status === 404 && key.includes('/platform.example.com/')) continue;
      const theirs: unknown = status === 200 ? JSON.parse(text) : text;
      // What was stored without its defaults gets them on its way out; nothing else may differ.
      const [added, found] = partition(differences(ours, theirs));
      for (const each of added) defaulted.add(each.replaceAll(/\[\d+\]|: .*/gsu, ''));
      if (found.length === 0) equal++;
      else differing.push(`${key}: ${found.slice(0, 5).join('; ')}`);
    }
    console.log(
      `${equal} objects as a real API server prints them; it adds`,
      [...defaulted].sort().join(' '),
    );
    expect(differing).toEqual([]);
    expect(equal).toBeGreaterThan(300);
  });

  it('prints what the command prints, and opens what was encrypted', async () => {
    const config = ['--encryption-config', store.encryptionConfig];
    const { out } = await lockstep([
      'inspect',
      'get',
      store.snapshot,
      'secrets/sealed',
      '-n',
      'team-01',
      '-o',
      'json',
      ...config,
    ]);
    const theirs = await sandbox.client.json('/api/v1/namespaces/team-01/secrets/sealed');
    expect(JSON.parse(out)).toEqual(theirs);
    expect(theirs).toMatchObject({ data: { password: Buffer.from(PASSWORD).toString('base64') } });
  });

  it.each([
    ['POST', CONFIG_MAPS, CONFIG_MAP],
    ['POST', `${CONFIG_MAPS}?dryRun=All`, CONFIG_MAP],
    ['PATCH', BAIT, { metadata: { labels: { a: 'b' } } }],
    ['DELETE', BAIT, undefined],
    ['DELETE', CONFIG_MAPS, undefined],
    ['POST', '/api/v1/namespaces/team-01/serviceaccounts/default/token', {}],
    ['POST', `${BAIT}/exec?command=id&stdout=true`, undefined],
  ])('refuses %s %s, whatever the roles in the store allow', async (method, path, body) => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const { status, text } = await sandbox.client.ask(method, path, body, { 'content-type': type });
    expect([status, text]).toEqual([403, expect.stringContaining('sandbox-reader')]);
  });

  it('lets nobody be impersonated', async () => {
    const headers = { 'impersonate-user': 'admin', 'impersonate-group': 'system:masters' };
    expect((await sandbox.client.ask('POST', CONFIG_MAPS, CONFIG_MAP, headers)).status).toBe(403);
  });

  it('calls no kubelet, no pod, no service and no aggregated API', async () => {
    for (const path of [
      `${BAIT}/log`,
      `${BAIT}/proxy/`,
      '/api/v1/nodes/trap/proxy/pods',
      '/api/v1/namespaces/team-01/services/trap/proxy/',
      '/apis/intruder.example/v1',
    ]) {
      const { status } = await sandbox.client.ask('GET', path);
      expect([path, status]).toEqual([path, expect.toSatisfy((each: number) => each >= 400)]);
    }
    expect(caught).toBe(0);
  });

  it('joins the static pods of a node, and shows the one that the store does not', async () => {
    const { joined } = sandbox.ready.api;
    expect(joined).toEqual([
      { place: 'namespaces lockstep-evidence' },
      ...[0, 1, 2].map((index) => ({ place: `configmaps lockstep-evidence/trap.${index}` })),
      { place: 'pods team-01/miner-trap' },
      { place: 'pods team-01/broken-trap', refused: expect.stringContaining('Not A Name') },
    ]);
    const pods = await sandbox.client.json('/api/v1/pods?labelSelector=lockstep.evidence/joined=pod');
    expect(pods['items']).toMatchObject([
      { metadata: { name: 'miner-trap' }, spec: { nodeName: 'trap', hostNetwork: true } },
    ]);
    const files = await sandbox.client.json('/api/v1/namespaces/lockstep-evidence/configmaps');
    expect(files['items']).toMatchObject([
      { data: { mirrorPod: 'team-01/bait-trap', mirrorPodStored: 'true', manifest: STATIC_PODS.bait } },
      { data: { mirrorPod: 'team-01/miner-trap', mirrorPodStored: 'false' } },
      { data: { mirrorPod: 'team-01/broken-trap', mirrorPodStored: 'false', manifest: STATIC_PODS.broken } },
    ]);
  });

  it('tells what the API server wrote by itself, and nothing else differs', async () => {
    const { wrote } = sandbox.ready.api;
    expect(wrote.map(({ key }) => key)).toContain('/registry/priorityclasses/system-cluster-critical');
    expect(wrote.length).toBeLessThan(120);
  });

  it('leaves nothing on Ctrl-C, and the snapshot as it was', async () => {
    const { directory, pid, api } = sandbox.ready;
    expect(await sandbox.stop()).toMatchObject({
      exit: 0,
      err: expect.stringMatching(/^note: nobody judged the seal/u),
    });
    expect([existsSync(directory), existsSync(`/proc/${pid}`), existsSync(`/proc/${api.pid}`)]).toEqual([
      false,
      false,
      false,
    ]);
    expect(store.sha256()).toBe(sha256);
  });
});

describe.runIf(apiserver !== undefined)('a writable sandbox', () => {
  it('takes writes on a second copy, past a webhook that nobody answers', async () => {
    const sha256 = store.sha256();
    await using sandbox = await RunningSandbox.start(tools, store.snapshot, program, '--writable');
    const first = join(sandbox.ready.directory, 'store/member/snap/db');
    const firstSha256 = sha256Hex(readFileSync(first));
    const { client } = sandbox;
    expect((await client.ask('POST', CONFIG_MAPS, CONFIG_MAP)).status).toBe(201);
    expect(await client.json(`${CONFIG_MAPS}/written`)).toMatchObject({ data: { a: 'b' } });
    const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/everybody';
    const asAnybody = { 'impersonate-user': 'anybody' };
    const pods = '/api/v1/pods';
    // The roles are the store's: what a mitigation does can be seen.
    expect((await client.ask('GET', pods, undefined, asAnybody)).status).toBe(200);
    expect((await client.ask('DELETE', bindings)).status).toBe(200);
    await expect.poll(async () => (await client.ask('GET', pods, undefined, asAnybody)).status).toBe(403);
    expect(caught).toBe(0);
    expect(sha256Hex(readFileSync(first))).toBe(firstSha256);
    await sandbox.stop();
    expect(existsSync(sandbox.ready.directory)).toBe(false);
    expect(store.sha256()).toBe(sha256);
  });
});

function pathOf(apiVersion: string, resource: string, namespace: string, name: string): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const [plural] = resource.split('.');
  const where = namespace === '' ? '' : `/namespaces/${namespace}`;
  return `${root}${where}/${plural}/${encodeURIComponent(name)}`;
}

/** "127.0.0.1:6443" of each TCP socket that the process listens on. */
function listening(pid: number): string[] {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        const inode = /^socket:\[(?<inode>\d+)\]$/u.exec(readlinkSync(`/proc/${pid}/fd/${fd}`));
        return inode?.groups?.['inode'] ?? [];
      } catch {
        return [];
      }
    }),
  );
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/u))
      .filter((columns) => columns[3] === '0A' && own.has(columns[9] ?? ''))
      .map((columns) => addressOf(columns[1] ?? '')),
  );
}

/** "0100007F:1A2B" -> "127.0.0.1:6699"; IPv6 as the kernel writes it. */
function addressOf(hexadecimal: string): string {
  const [address = '', port = ''] = hexadecimal.split(':');
  const text = address.length === 8 ? [...Buffer.from(address, 'hex')].reverse().join('.') : `[${address}]`;
  return `${text}:${Number.parseInt(port, 16)}`;
}

/** What was not there before, and all else. The store's maker wrote quantities as no API server stores them. */
function partition(found: readonly string[]): [string[], string[]] {
  const isAdded = (each: string): boolean =>
    each.includes(': undefined -> ') || each.endsWith('.cpu: "1000m" -> "1"');
  return [found.filter(isAdded), found.filter((each) => !isAdded(each))];
}

import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemClock } from '@lockstep/shared/clock.ts';
import { judgeArchive } from '@lockstep/shared/evidence-archive/judge.ts';
import { readArchive } from '@lockstep/shared/evidence-archive/read.ts';
import { GatherEvidenceRequest } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EvidenceLimits } from './budget.ts';
import type { EvidenceSources } from './collector.ts';
import { chooseCollectors } from './collectors.ts';
import { EvidenceGatherer } from './gatherer.ts';
import { HostTree } from './host-tree.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'evidence-'));
});
afterEach(() => rm(root, { recursive: true }));

const LIMITS: EvidenceLimits = {
  maxFileBytes: 1000,
  maxCollectorBytes: 5000,
  maxBytes: 20_000,
  maxFilesPerCollector: 20,
  maxNamesPerCollector: 50,
  maxNotTaken: 40,
  maxCollectorMs: 10_000,
};

async function put(path: string, text: string | Buffer = 'x'): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

function sourcesOf(tree: HostTree, more: Partial<EvidenceSources> = {}): EvidenceSources {
  return {
    node: 'cp1',
    tree,
    runtime: {
      version: async () => 'stand-in 1',
      everything: async () => ({ sandboxes: [], containers: [] }),
    },
    sockets: { listeners: () => [], ownersOf: async () => new Map() },
    staticPodPath: '/etc/kubernetes/manifests',
    kubeletConfigPath: '/var/lib/kubelet/config.yaml',
    member: async () => ({ directories: [], running: false }),
    snapshots: async () => [],
    contents: new Set(),
    ...more,
  };
}

interface Gathered {
  readonly archive: Awaited<ReturnType<typeof readArchive>>;
  readonly texts: Readonly<Record<string, string>>;
}

/** Gathers, reads it back, and holds what came against what was said of it. */
async function gather(
  include: readonly string[],
  { sources, limits = LIMITS }: { sources?: EvidenceSources; limits?: EvidenceLimits } = {},
): Promise<Gathered> {
  const gatherer = new EvidenceGatherer({
    cluster: 'lab',
    node: 'cp1',
    sources: sources ?? sourcesOf(new HostTree(root, ['/etc', '/var', '/root', '/home'])),
    seal: async () => undefined,
    clock: systemClock,
    limits,
    maxMs: 30_000,
  });
  const request = GatherEvidenceRequest.fromPartial({ gatherId: 'e-1', include: [...include] });
  const stream = gatherer.gather(
    { request, commandedBy: 'c', occasion: 'asked' },
    () => undefined,
    AbortSignal.timeout(30_000),
  );
  async function* bytes() {
    for await (const piece of stream) yield piece;
  }
  const texts: Record<string, string> = {};
  const archive = await readArchive(bytes(), ({ name }) => (piece) => {
    texts[name] = (texts[name] ?? '') + Buffer.from(piece).toString();
  });
  expect(judgeArchive(archive, undefined).refusals).toEqual([]);
  return { archive, texts };
}

const leftOut = ({ archive }: Gathered) =>
  Object.fromEntries(
    archive.manifest.notTaken.map(({ path, kind, why, target }) => [path, { kind, why, target }]),
  );

describe('a tree of the host as evidence', () => {
  it('is taken with owner, mode and times as they are, and its access times stay', async () => {
    await put('/var/log/pods/a/0.log', 'hello');
    await chmod(join(root, 'var/log/pods/a/0.log'), 0o640);
    const longAgo = new Date('2001-02-03T04:05:06.000Z');
    await utimes(join(root, 'var/log/pods/a/0.log'), longAgo, longAgo);
    const { archive, texts } = await gather(['pod-logs']);
    expect(texts).toEqual({ 'pod-logs/var/log/pods/a/0.log': 'hello' });
    expect(archive.manifest.files[0]?.source).toMatchObject({
      path: '/var/log/pods/a/0.log',
      mode: 0o640,
      uid: process.getuid?.(),
      modifiedAt: longAgo.toISOString(),
      skippedBytes: 0,
    });
    expect((await stat(join(root, 'var/log/pods/a/0.log'))).atime).toEqual(longAgo);
  });

  it('records links, pipes, sockets and devices, and neither follows nor opens them', async () => {
    await put('/etc/shadow', 'root:secret');
    await mkdir(join(root, 'var/log/pods'), { recursive: true });
    const at = (name: string) => join(root, 'var/log/pods', name);
    await symlink('/etc/shadow', at('link'));
    await symlink('../../../../etc', at('up'));
    await symlink('nowhere', at('broken'));
    execFileSync('mkfifo', [at('pipe')]);
    if (process.getuid?.() === 0) execFileSync('mknod', [at('null'), 'c', '1', '3']);
    const server = createServer().listen(at('socket'));
    const gathered = await gather(['pod-logs']).finally(() => server.close());
    expect(gathered.texts).toEqual({});
    expect(leftOut(gathered)).toMatchObject({
      '/var/log/pods/link': { kind: 'symbolic-link', target: '/etc/shadow' },
      '/var/log/pods/up': { kind: 'symbolic-link', target: '../../../../etc' },
      '/var/log/pods/broken': { kind: 'symbolic-link', target: 'nowhere' },
      '/var/log/pods/pipe': { kind: 'fifo' },
      '/var/log/pods/socket': { kind: 'socket' },
      ...(process.getuid?.() === 0 ? { '/var/log/pods/null': { kind: 'character-device' } } : {}),
    });
  });

  it('is not looked for behind a link on the way to it', async () => {
    await put('/etc/real/pods/secret', 'secret');
    await mkdir(join(root, 'var'), { recursive: true });
    await symlink('/etc/real', join(root, 'var/log'));
    const gathered = await gather(['pod-logs']);
    expect(gathered.texts).toEqual({});
    expect(leftOut(gathered)).toEqual({
      '/var/log': expect.objectContaining({ kind: 'symbolic-link', target: '/etc/real' }),
    });
  });

  it('is not asked for where another machine would have to answer', async () => {
    await put('/var/log/pods/a', 'x');
    await put('/var/log/containers/b', 'x');
    const tree = new HostTree(root, ['/var/log'], () => ['/var/log/pods']);
    const gathered = await gather(['pod-logs'], { sources: sourcesOf(tree) });
    expect(Object.keys(gathered.texts)).toEqual(['pod-logs/var/log/containers/b']);
    expect(leftOut(gathered)['/var/log/pods']?.why).toContain('network');
  });

  it('keeps hostile names, and makes none of its own of them', async () => {
    const names = ['a\nb', '\u001b[2Jclear', '\u202egpj.exe', '-rf', 'x y', '..more', 'ä'];
    for (const name of names) await put(`/var/log/pods/${name}`, name);
    const latin1 = Buffer.concat([Buffer.from(join(root, 'var/log/pods/')), Buffer.from([0xff, 0xfe])]);
    await writeFile(latin1, 'bytes');
    const { archive, texts } = await gather(['pod-logs']);
    expect(Object.values(texts).sort()).toEqual([...names, 'bytes'].sort());
    for (const name of Object.keys(texts)) expect(name).toMatch(/^pod-logs\/[A-Za-z0-9/-]+$/);
    const paths = archive.manifest.files.map(({ source }) => source?.path);
    expect(paths).toEqual(expect.arrayContaining(names.map((name) => `/var/log/pods/${name}`)));
    const odd = archive.manifest.files.find(({ source }) => source?.pathBytes !== undefined);
    expect(Buffer.from(odd?.source?.pathBytes ?? '', 'base64').subarray(-2)).toEqual(
      Buffer.from([0xff, 0xfe]),
    );
  });

  it('keeps the newest end of what is too long, and says what it left out', async () => {
    await put('/var/log/pods/long', `${'old '.repeat(1000)}${'new '.repeat(250)}`);
    const { archive, texts } = await gather(['pod-logs']);
    expect(texts['pod-logs/var/log/pods/long']).toBe('new '.repeat(250));
    expect(archive.manifest.files[0]?.source).toMatchObject({ sizeBytes: 5000, skippedBytes: 4000 });
    expect(archive.manifest.collectors[0]).toMatchObject({ outcome: 'limited' });
  });

  it.each([
    ['files', { maxFilesPerCollector: 3 }, 3],
    ['bytes of a collector', { maxCollectorBytes: 30 }, 3],
    ['bytes in all', { maxBytes: 30 }, 3],
    ['names', { maxNamesPerCollector: 3 }, 3],
  ])('ends at the limit of %s', async (_what, limit, files) => {
    for (let at = 0; at < 9; at += 1) await put(`/var/log/pods/${at}`, '0123456789');
    const gathered = await gather(['pod-logs'], { limits: { ...LIMITS, ...limit } });
    expect(gathered.archive.entries.size).toBe(files);
    expect(gathered.archive.manifest.collectors[0]).toMatchObject({ outcome: 'limited' });
    expect(Object.keys(leftOut(gathered)).length).toBeGreaterThan(0);
  });

  it('counts what is too much to list', async () => {
    for (let at = 0; at < 9; at += 1) {
      await mkdir(join(root, 'var/log/pods'), { recursive: true });
      await symlink('x', join(root, `var/log/pods/${at}`));
    }
    const { archive } = await gather(['pod-logs'], { limits: { ...LIMITS, maxNotTaken: 4 } });
    expect(archive.manifest.notTaken).toHaveLength(4);
    expect(archive.manifest.notTakenUnlisted).toBe(5);
  });

  it('ends at a directory that is too deep', async () => {
    await put(`/var/log/pods/${'d/'.repeat(30)}end`);
    const gathered = await gather(['pod-logs']);
    expect(Object.values(leftOut(gathered))).toEqual([expect.objectContaining({ kind: 'directory' })]);
  });

  it('ends one collector alone where it fails', async () => {
    await put('/var/log/pods/a', 'x');
    const sources = sourcesOf(new HostTree(root, ['/var/log']), {
      runtime: {
        version: async () => Promise.reject(new Error('no runtime')),
        everything: async () => ({ sandboxes: [], containers: [] }),
      },
    });
    const { archive } = await gather(['containers', 'pod-logs'], { sources });
    expect(archive.manifest.collectors).toEqual([
      expect.objectContaining({ name: 'containers', outcome: 'failed', reason: 'no runtime' }),
      expect.objectContaining({ name: 'pod-logs', outcome: 'done', files: 1 }),
    ]);
  });

  it('is whole where a file grows while it is read', async () => {
    await put('/var/log/pods/live', 'a'.repeat(900));
    const tree = new HostTree(root, ['/var/log']);
    const read = tree.read.bind(tree);
    tree.read = async function* growing(seen, offset) {
      appendFileSync(join(root, 'var/log/pods/live'), 'b'.repeat(10_000));
      yield* read(seen, offset);
    };
    const { texts } = await gather(['pod-logs'], { sources: sourcesOf(tree) });
    expect(texts['pod-logs/var/log/pods/live']).toBe('a'.repeat(900));
  });
});

describe('what holds keys', () => {
  const KEY = execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519']).toString();
  const SECRET = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64');

  it('is told by fingerprints, and no key is in the archive', async () => {
    const key64 = Buffer.from(KEY).toString('base64');
    await put(
      '/etc/kubernetes/admin.conf',
      `kind: Config\nusers: [{name: admin, user: {client-key-data: ${key64}, token: s3cr3t-token, password: hunter22}}]\nclusters: [{name: k, cluster: {server: https://10.0.0.1:6443}}]\n`,
    );
    await put('/etc/kubernetes/pki/sa.key', KEY);
    await put(
      '/etc/kubernetes/enc.yaml',
      `kind: EncryptionConfiguration\nresources: [{resources: [secrets], providers: [{aescbc: {keys: [{name: key1, secret: ${SECRET}}]}}, {identity: {}}]}]\n`,
    );
    await put('/etc/kubernetes/audit.yaml', 'kind: Policy\n');
    await put(
      '/etc/kubernetes/manifests/kube-apiserver.yaml',
      JSON.stringify({
        kind: 'Pod',
        metadata: { name: 'kube-apiserver', namespace: 'kube-system' },
        spec: {
          containers: [
            {
              name: 'kube-apiserver',
              command: [
                'kube-apiserver',
                '--encryption-provider-config=/etc/kubernetes/enc.yaml',
                '--service-account-signing-key-file=/etc/kubernetes/pki/sa.key',
                '--audit-policy-file=/etc/kubernetes/audit.yaml',
                '--authentication-config=/etc/shadow',
              ],
            },
          ],
        },
      }),
    );
    await put('/etc/shadow', 'root:secret');
    const tree = new HostTree(root, ['/etc/kubernetes', '/var/lib/kubelet']);
    const gathered = await gather(['kubelet', 'api-server', 'static-pods'], { sources: sourcesOf(tree) });
    const all = Object.values(gathered.texts).join('\n');
    const body = KEY.split('\n')[1] ?? '';
    for (const secret of [body, key64.slice(0, 40), SECRET, 's3cr3t-token', 'hunter22', 'root:secret']) {
      expect(all).not.toContain(secret);
    }
    expect(JSON.parse(gathered.texts['kubelet/kubeconfigs.json'] ?? '')).toMatchObject([
      {
        path: '/etc/kubernetes/admin.conf',
        holds: {
          clusters: [{ server: 'https://10.0.0.1:6443' }],
          users: [{ name: 'admin', token: 'present', clientKey: { keys: [{ type: 'ed25519' }] } }],
        },
      },
    ]);
    expect(JSON.parse(gathered.texts['api-server/api-server.json'] ?? '')).toMatchObject({
      encryption: [{ holds: { keys: [{ provider: 'aescbc', keyName: 'key1' }, { provider: 'identity' }] } }],
      certificatesAndKeys: [{ path: '/etc/kubernetes/pki/sa.key' }],
    });
    expect(gathered.texts['api-server/etc/kubernetes/audit.yaml']).toBe('kind: Policy\n');
    expect(leftOut(gathered)['/etc/shadow']).toMatchObject({
      why: 'it is outside what the agent may gather',
    });
  });

  it('is told of no part where it is broken, and quoted nowhere', async () => {
    const broken = 'clusters: [{name: k, cluster: {server: https://10.0.0.1:6443}}]\nusers: ["s3cr3t-token\n';
    await put('/etc/kubernetes/admin.conf', broken);
    await put('/etc/kubernetes/kubelet.conf', 'current-context: first\n---\ncurrent-context: [\n');
    const { texts } = await gather(['kubelet']);
    const told: Record<string, unknown>[] = JSON.parse(texts['kubelet/kubeconfigs.json'] ?? '');
    const [admin, kubelet] = told.sort((a, b) => (String(a['path']) < String(b['path']) ? -1 : 1));
    expect(admin).toMatchObject({ path: '/etc/kubernetes/admin.conf', problem: 'it is no YAML' });
    expect(admin).not.toHaveProperty('holds');
    expect(JSON.stringify(texts)).not.toContain('s3cr3t-token');
    // kubelet and kubectl read the first document alone.
    expect(kubelet).toMatchObject({ holds: { currentContext: 'first' } });
  });

  it('of SSH is told as ssh-keygen tells it, its content only where it is allowed', async () => {
    const line = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl eve';
    await put('/root/.ssh/authorized_keys', `from="10.0.0.0/8" ${line}\n# ssh-ed25519 none\n`);
    const kept = await gather(['ssh-keys']);
    expect(Object.keys(kept.texts)).toEqual(['ssh-keys/ssh-keys.json']);
    expect(JSON.parse(kept.texts['ssh-keys/ssh-keys.json'] ?? '')).toMatchObject([
      {
        path: '/root/.ssh/authorized_keys',
        keys: [
          {
            type: 'ssh-ed25519',
            fingerprint: 'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU',
            comment: 'eve',
            options: 'from="10.0.0.0/8"',
          },
        ],
      },
    ]);
    const sources = sourcesOf(new HostTree(root, ['/etc', '/home', '/root']), {
      contents: new Set(['ssh-keys'] as const),
    });
    const allowed = await gather(['ssh-keys'], { sources });
    // A hidden name is none of an archive's.
    expect(Object.keys(allowed.texts)).toHaveLength(2);
    expect(Object.values(allowed.texts).join()).toContain('from="10.0.0.0/8" ssh-ed25519');
  });
});

describe('static pods', () => {
  it('are linked to what runs of them, and what runs without a manifest is named', async () => {
    const manifest =
      'kind: Pod\nmetadata: {name: etcd, namespace: kube-system}\nspec: {containers: [{name: etcd}]}\n';
    await put('/etc/kubernetes/manifests/etcd.yaml', manifest);
    await put('/var/lib/kubelet/config.yaml', 'staticPodPath: /etc/kubernetes/more\n');
    await put('/etc/kubernetes/more/miner.yaml', 'no pod');
    const sandbox = (name: string, hash: string) => ({
      id: `sandbox-${hash}`,
      metadata: { name, uid: hash, namespace: 'kube-system', attempt: 0 },
      state: 0 as const,
      createdAt: 0n,
      labels: { 'io.kubernetes.pod.name': name, 'io.kubernetes.pod.namespace': 'kube-system' },
      annotations: { 'kubernetes.io/config.source': 'file', 'kubernetes.io/config.hash': hash },
      runtimeHandler: '',
    });
    const sources = sourcesOf(new HostTree(root, ['/etc/kubernetes', '/var/lib/kubelet']), {
      runtime: {
        version: async () => '',
        everything: async () => ({
          sandboxes: [sandbox('etcd-cp1', 'h1'), sandbox('gone-cp1', 'h2')],
          containers: [],
        }),
      },
    });
    const { texts } = await gather(['static-pods'], { sources });
    expect(JSON.parse(texts['static-pods/static-pods.json'] ?? '')).toMatchObject({
      toldByKubeletConfig: '/etc/kubernetes/more',
      kubeletConfigFailure: '',
      manifests: [
        { pod: 'kube-system/etcd', mirrorPod: 'kube-system/etcd-cp1', running: [{ configHash: 'h1' }] },
        { path: '/etc/kubernetes/more/miner.yaml', pod: '', running: [] },
      ],
      runningWithoutManifest: [{ pod: 'kube-system/gone-cp1', configHash: 'h2' }],
    });
  });
});

it.each([
  ['that is broken is told', 'staticPodPath: /etc/kubernetes/more\nx: [', '', 'it is no YAML'],
  ['with a second document is read as kubelet reads it', 'staticPodPath: /a\n---\nx: [', '/a', ''],
  ['that gives a name twice is read as kubelet reads it', 'staticPodPath: /a\nx: 1\nx: 2\n', '/a', ''],
  ['that is none is no failure', undefined, '', ''],
])('a configuration of kubelet %s', async (_what, text, toldByKubeletConfig, kubeletConfigFailure) => {
  if (text !== undefined) await put('/var/lib/kubelet/config.yaml', text);
  const { texts } = await gather(['static-pods']);
  expect(JSON.parse(texts['static-pods/static-pods.json'] ?? '')).toMatchObject({
    toldByKubeletConfig,
    kubeletConfigFailure,
  });
});

describe('the choice of collectors', () => {
  const names = (...args: Parameters<typeof chooseCollectors>) =>
    chooseCollectors(...args).map(({ name }) => name);

  it('leaves the store to who names it, and before a restore everything that is large', () => {
    expect(names([], [])).not.toContain('store');
    expect(names([], [])).toContain('pod-logs');
    expect(names([], [], 'before-restore')).not.toContain('pod-logs');
    expect(names(['store', 'cron'], ['cron'])).toEqual(['store']);
  });

  it('refuses a name that is none', () => {
    expect(() => chooseCollectors([], ['shadow'])).toThrow(/static-pods/);
  });
});

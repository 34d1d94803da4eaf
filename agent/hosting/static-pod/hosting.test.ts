import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { EncryptionVerdict_Verdict } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { EtcdMemberPlan, NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { EncryptionUse } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, test } from 'vitest';

import type { UnitState } from '../../adapters/systemd.ts';
import type { Component } from '../../ports.ts';
import { StaticPodHosting, type StaticPodParts } from './hosting.ts';

const LIVE = '/etc/kubernetes/manifests';
const PARKED = '/etc/kubernetes/lockstep/op-1';
const ALL: readonly Component[] = ['etcd', 'kube-apiserver'];
const never = new AbortController().signal;
const STOPPED: UnitState = {
  activeState: 'inactive',
  mainPid: 0,
  loadState: 'loaded',
  needDaemonReload: false,
  dropInPaths: [],
};
const STORE = { device: '0:7', inode: 42n };

const plan = (change: Partial<NodePlan> = {}): NodePlan => ({
  ...NodePlan.fromPartial({
    node: 'cp1',
    staticPodPath: LIVE,
    manifests: ALL.map((component) => ({ component, fileName: `${component}.yaml` })),
    etcd: EtcdMemberPlan.fromPartial({
      dataDir: '/nowhere/etcd',
      oldStore: { dbInode: { device: 7n, number: STORE.inode } },
      listenClientUrls: ['https://10.0.0.1:2379'],
      listenPeerUrls: ['https://10.0.0.1:2380'],
    }),
  }),
  ...change,
});

/** A node of names alone, on which everything has stopped. */
class Node {
  readonly said: string[] = [];
  readonly names = new Set<string>();
  readonly texts = new Map<string, string>();
  kubelet = { held: true, marked: true, state: STOPPED };
  survivors: number[] = [];
  openFiles: { pid: number; command: string; path: string }[] = [];
  locks: { kind: string; access: string; pid: number; file: typeof STORE }[] = [];
  listening: number[] = [];
  etcd: object | undefined = {};
  apiServer: object | undefined = { bindAddress: '10.0.0.1', advertiseAddress: '', securePort: 6443 };

  readonly hosting = new StaticPodHosting({
    files: {
      realPath: (path: string) => path,
      exists: async (path: string) => this.names.has(path) || this.texts.has(path),
      read: async (path: string) => Buffer.from(this.texts.get(path) ?? ''),
      readIfThere: async (path: string) => {
        const text = this.texts.get(path);
        return text === undefined ? undefined : Buffer.from(text);
      },
      write: async (path: string, text: string | Buffer, mode: number) => {
        this.texts.set(path, text.toString());
        this.said.push(`write ${path} ${mode.toString(8)}`);
      },
      remove: async (path: string) => {
        this.names.delete(path);
        this.texts.delete(path);
        this.said.push(`remove ${path}`);
      },
      list: async () =>
        [...this.names].flatMap((path) => (path.startsWith(LIVE) ? [path.slice(LIVE.length + 1)] : [])),
      inKeptRoom: <T>(body: () => Promise<T>) => body(),
      makeDirectory: async (path: string) => {
        this.said.push(`make ${path}`);
      },
      moveAll: async (moves: { from: string; to: string }[]) => {
        for (const { from, to } of moves) {
          this.names.delete(from);
          this.names.add(to);
        }
        if (moves.length > 0) this.said.push(`move ${moves.map(({ from }) => from).join(' ')}`);
      },
      areCopies: async (one: string, other: string) => this.texts.get(one) === this.texts.get(other),
      moveOverCopy: async (from: string, to: string) => {
        this.names.delete(from);
        this.said.push(`move ${from} over ${to}`);
      },
      syncNamesIn: async (paths: string[]) => {
        this.said.push(`sync ${paths.join(' ')}`);
      },
    },
    settings: {
      etcd: () => this.etcd,
      apiServer: () => this.apiServer,
      requireApiServer: () => {
        if (this.apiServer === undefined) throw new LockstepError('MANIFEST_MISSING', { message: 'none' });
        return this.apiServer;
      },
    },
    kubelet: {
      prepare: async () => {
        this.said.push('prepare');
      },
      observe: async () => this.kubelet,
    },
    runtime: { staticPods: async () => [] },
    inspector: { provenance: async () => 'what a card takes' },
    stopper: { survivors: () => this.survivors },
    processes: {
      openFiles: async () => this.openFiles,
      sockets: () =>
        this.listening.map((port) => ({
          local: { address: '10.0.0.1', port },
          remote: { address: '0.0.0.0', port: 0 },
          state: 'listen',
        })),
      locks: () => this.locks,
    },
    readiness: {
      waitForApi: () => Promise.reject(new Error('API not ready')),
      waitForPeers: (url: string) => Promise.reject(new Error(`${url} does not serve`)),
    },
  } as unknown as StaticPodParts);

  prove(components: readonly Component[] = ALL, of: NodePlan = plan()): Promise<void> {
    return this.hosting.proveStopped(of, 'op-1', components, never);
  }
}

describe('the proof of a stop', () => {
  test('holds where nothing speaks against it', async () => {
    await expect(new Node().prove()).resolves.toBeUndefined();
  });

  test.each<[string, (node: Node) => void]>([
    ['kubelet is not held', (node) => Object.assign(node, { kubelet: { ...node.kubelet, held: false } })],
    ['a process survived', (node) => node.survivors.push(7)],
    ['the store is open', (node) => node.openFiles.push({ pid: 7, command: 'x', path: '/db' })],
    [
      'the store is locked',
      (node) => node.locks.push({ kind: 'FLOCK', access: 'WRITE', pid: 7, file: STORE }),
    ],
    ['somebody serves clients', (node) => node.listening.push(2379)],
    ['somebody serves peers', (node) => node.listening.push(2380)],
    ['an API server listens', (node) => node.listening.push(6443)],
  ])('fails where %s', async (_what, change) => {
    const node = new Node();
    change(node);
    await expect(node.prove()).rejects.toMatchObject({ code: 'STOP_UNPROVEN', node: 'cp1' });
  });

  test('of API servers asks nothing of etcd, and the other way round', async () => {
    const node = new Node();
    node.openFiles.push({ pid: 7, command: 'etcd', path: '/db' });
    node.locks.push({ kind: 'FLOCK', access: 'WRITE', pid: 7, file: STORE });
    node.listening.push(2379, 2380);
    await expect(node.prove(['kube-apiserver'])).resolves.toBeUndefined();
    const other = new Node();
    other.listening.push(6443);
    other.apiServer = undefined;
    await expect(other.prove(['etcd'])).resolves.toBeUndefined();
  });

  test('needs no store where the plan has no member', async () => {
    await expect(new Node().prove(ALL, plan({ etcd: undefined }))).resolves.toBeUndefined();
  });
});

test('what a card takes is asked of who inspects', async () => {
  expect(await new Node().hosting.provenance(never)).toBe('what a card takes');
});

describe('manifests', () => {
  const parked = (name: string): string => `${PARKED}/${name}.yaml`;
  const live = (name: string): string => `${LIVE}/${name}.yaml`;

  test('are parked into a directory that is there, and again only synced', async () => {
    const node = new Node();
    node.names.add(live('etcd')).add(parked('kube-apiserver'));
    await node.hosting.parkManifests(plan(), ALL, PARKED, never);
    expect(node.said).toEqual([`make ${PARKED}`, `move ${live('etcd')}`]);
    await node.hosting.parkManifests(plan(), ALL, PARKED, never);
    expect(node.said.at(-1)).toBe(`sync ${PARKED} ${LIVE}`);
    expect(node.names).toEqual(new Set([parked('etcd'), parked('kube-apiserver')]));
  });

  test('return once, and again are only synced', async () => {
    const node = new Node();
    node.names.add(parked('etcd'));
    await node.hosting.returnManifest(plan(), 'etcd', PARKED, never);
    await node.hosting.returnManifest(plan(), 'etcd', PARKED, never);
    expect(node.said).toEqual([`move ${parked('etcd')}`, `sync ${LIVE} ${PARKED}`]);
  });

  test('that differ in their two places, or are in none, are nobody’s to choose', async () => {
    const node = new Node();
    const back = (): Promise<void> => node.hosting.returnManifest(plan(), 'etcd', PARKED, never);
    const park = (): Promise<void> => node.hosting.parkManifests(plan(), ALL, PARKED, never);
    await expect(back()).rejects.toMatchObject({ code: 'MANIFEST_MISSING' });
    node.names.add(live('etcd')).add(parked('etcd'));
    node.texts.set(live('etcd'), 'somebody’s').set(parked('etcd'), 'the planned one');
    await expect(back()).rejects.toMatchObject({ code: 'MANIFEST_CONFLICT' });
    await expect(park()).rejects.toMatchObject({ code: 'MANIFEST_CONFLICT' });
    expect(node.names).toEqual(new Set([live('etcd'), parked('etcd')]));
  });

  test('that somebody copied back are parked by removing the copy, the kept name first made durable', async () => {
    const node = new Node();
    node.names.add(live('etcd')).add(parked('etcd')).add(parked('kube-apiserver'));
    await node.hosting.parkManifests(plan(), ALL, PARKED, never);
    expect(node.said).toEqual([
      `make ${PARKED}`,
      `sync ${PARKED}`,
      `remove ${live('etcd')}`,
      `sync ${PARKED} ${LIVE}`,
    ]);
    expect(node.names).toEqual(new Set([parked('etcd'), parked('kube-apiserver')]));
  });

  test('that somebody copied back return in their copies’ place', async () => {
    const node = new Node();
    node.names.add(live('etcd')).add(parked('etcd'));
    await node.hosting.returnManifest(plan(), 'etcd', PARKED, never);
    expect(node.said).toEqual([`move ${parked('etcd')} over ${live('etcd')}`]);
    expect(node.names).toEqual(new Set([live('etcd')]));
  });

  test.each(['../etcd.yaml', '.etcd.yaml', 'a/b.yaml'])('are never called %s', async (fileName) => {
    const climbing = plan({
      manifests: NodePlan.fromPartial({ manifests: [{ component: 'etcd', fileName }] }).manifests,
    });
    await expect(new Node().hosting.returnManifest(climbing, 'etcd', PARKED, never)).rejects.toMatchObject({
      code: 'PATH_NOT_ALLOWED',
    });
  });

  test('in place are those of the plan’s components', async () => {
    const node = new Node();
    node.names.add(live('etcd')).add(live('other'));
    const manifests = [
      ...plan().manifests,
      ...NodePlan.fromPartial({ manifests: [{ fileName: 'other.yaml' }] }).manifests,
    ];
    expect(await node.hosting.manifestsInPlace(plan({ manifests }), never)).toEqual(['etcd']);
  });
});

describe('kubelet', () => {
  test.each([
    ['inactive', 0, false],
    ['active', 7, true],
    ['deactivating', 7, true],
  ])('%s is active: %s', async (activeState, mainPid, active) => {
    const node = new Node();
    node.kubelet = { held: false, marked: true, state: { ...STOPPED, activeState, mainPid } };
    expect(await node.hosting.kubeletState('op-1', never)).toEqual({ held: false, marked: true, active });
  });

  test.each<[string, Partial<Node>, string[]]>([
    ['a node of both', {}, ['prepare']],
    ['a node of etcd alone', { apiServer: undefined }, ['prepare']],
    ['a node of an API server alone', { etcd: undefined }, ['prepare']],
    ['a node of neither', { etcd: undefined, apiServer: undefined }, []],
  ])('is made ready to be held on %s', async (_which, change, said) => {
    const node = Object.assign(new Node(), change);
    await node.hosting.prepareHold(never);
    expect(node.said).toEqual(said);
  });
});

test('what must serve is waited for', async () => {
  const { hosting } = new Node();
  await expect(hosting.waitApiReady(plan(), never)).rejects.toThrow('API not ready');
  const member = plan().etcd as EtcdMemberPlan;
  await expect(hosting.waitServingPeers(member, never)).rejects.toThrow(
    'https://10.0.0.1:2380 does not serve',
  );
});

describe('the manifest that joins', () => {
  const live = `${LIVE}/etcd.yaml`;
  const parked = `${PARKED}/etcd.yaml`;
  const MANIFEST =
    'apiVersion: v1\nkind: Pod\nmetadata: {name: etcd, namespace: kube-system}\nspec:\n  containers:\n  - name: etcd\n    command: [etcd, --name=cp1]\n';
  const place = (node: Node, of = plan()): Promise<void> =>
    node.hosting.placeJoiningManifest(of, PARKED, 'cp1=https://a:2380', never);

  test('is made of the parked one, with the mode that the live one had, and made again', async () => {
    const node = new Node();
    node.texts.set(parked, MANIFEST);
    const manifests = plan().manifests.map((each) => ({
      ...each,
      mode: each.component === 'etcd' ? 0o100644 : 0o600,
    }));
    await place(node, plan({ manifests }));
    expect(node.texts.get(live)).toContain('--initial-cluster-state=existing');
    expect(node.texts.get(parked)).toBe(MANIFEST);
    await place(node);
    expect(node.said).toEqual([`write ${live} 644`, `write ${live} 600`]);
  });

  test('takes no other one’s place', async () => {
    const node = new Node();
    node.texts.set(parked, MANIFEST).set(live, MANIFEST);
    await expect(place(node)).rejects.toMatchObject({ code: 'MANIFEST_CONFLICT' });
    expect(node.said).toEqual([]);
  });

  test('goes only where the parked one is there', async () => {
    const node = new Node();
    node.texts.set(live, MANIFEST);
    const remove = (): Promise<void> => node.hosting.removeJoiningManifest(plan(), PARKED, never);
    await expect(remove()).rejects.toMatchObject({ code: 'MANIFEST_MISSING' });
    node.texts.set(parked, MANIFEST);
    await remove();
    expect(node.said).toEqual([`remove ${live}`]);
  });

  test('is kept elsewhere before it goes, once', async () => {
    const node = new Node();
    node.texts.set(parked, MANIFEST);
    const archive = (): Promise<void> => node.hosting.archiveParkedManifest(plan(), PARKED, '/kept', never);
    await archive();
    await archive();
    expect(node.said).toEqual(['write /kept 600', `remove ${parked}`]);
    expect(node.texts.get('/kept')).toBe(MANIFEST);
  });
});

test('a key is looked for in the configuration of the API server, where it has one', async () => {
  const node = new Node();
  const use = EncryptionUse.fromPartial({
    provider: 'aesgcm',
    keyName: 'key1',
    sampleKey: '/registry/secrets/default/a',
    sampleValue: Buffer.concat([Buffer.from('k8s:enc:aesgcm:v1:key1:'), Buffer.alloc(40)]),
  });
  const verdict = async (encryptionConfigFile?: string): Promise<unknown> => {
    node.apiServer = { etcdPrefix: '/registry', ...(encryptionConfigFile && { encryptionConfigFile }) };
    return (await node.hosting.checkEncryption([use], never)).map((each) => each.verdict);
  };
  node.texts.set(
    '/enc.yaml',
    `kind: EncryptionConfiguration
apiVersion: apiserver.config.k8s.io/v1
resources:
  - resources: [secrets]
    providers:
      - aesgcm: {keys: [{name: key1, secret: ${Buffer.alloc(32).toString('base64')}}]}
`,
  );
  expect(await verdict()).toEqual([EncryptionVerdict_Verdict.VERDICT_NO_SUCH_KEY]);
  expect(await verdict('/enc.yaml')).toEqual([EncryptionVerdict_Verdict.VERDICT_WRONG_KEY]);
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { assembleNode, type HostedNode } from '@lockstep/agent/hosting/assemble.ts';
import type { Component } from '@lockstep/agent/ports.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { EtcdMemberPlan, NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Lab } from '../../lab/lab.ts';
import type { LabNode } from '../../lab/lab-node.ts';
import { hostPaths } from '../../lab/layout/paths.ts';
import { syncedBy } from './support/synced.ts';

/**
 * One node of the lab, taken down, exchanged and brought back by the adapters alone. The tests
 * build on each other, as the steps of a restore do.
 */
const OPERATION = 'op-1';
const PARKED = `/etc/kubernetes/lockstep/${OPERATION}`;
const STAGING = `/var/lib/.lockstep/${OPERATION}`;
const OTHER = `${STAGING}/store`;
const ALL: readonly Component[] = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const CLIENTS = ALL.slice(1);
const soon = (): AbortSignal => deadline(30_000);

let lab: Lab;
let host: LabNode;
let node: HostedNode;
let report: NodeReport;
let plan: NodePlan;

beforeAll(async () => {
  lab = await Lab.up({ nodes: 1, lockstep: false, nats: false });
  const [first] = lab.nodes;
  if (first === undefined) throw new Error('no node');
  host = first;
  node = nodeOfLab();
  report = await node.hosting.inspect(soon());
  plan = planOf(report);
});

afterAll(async () => {
  node?.close();
  await lab?.[Symbol.asyncDispose]();
});

function nodeOfLab(): HostedNode {
  return assembleNode(
    {
      hostRoot: host.root,
      stateDir: '/var/lib/lockstep',
      containerRuntime: { socket: '/run/containerd/containerd.sock' },
      serviceManager: {
        systemctl: '/usr/bin/systemctl',
        unitDir: '/etc/systemd/system',
        kubeletUnit: 'kubelet.service',
      },
      kubelet: { config: '/var/lib/kubelet/config.yaml', staticPodPath: hostPaths.manifests },
      tools: { etcdutl: lab.etcdTools.etcdutl },
    },
    '',
  );
}

function planOf({ etcd, manifests }: NodeReport): NodePlan {
  if (etcd === undefined) throw new Error('no etcd');
  return NodePlan.create({
    node: host.name,
    manifests,
    staticPodPath: hostPaths.manifests,
    kubeletUnit: 'kubelet.service',
    etcd: EtcdMemberPlan.create({
      name: etcd.name,
      dataDir: etcd.dataDir,
      oldStore: etcd.store,
      initialCluster: `${etcd.name}=${etcd.initialAdvertisePeerUrls[0]}`,
      initialAdvertisePeerUrls: etcd.initialAdvertisePeerUrls,
      listenClientUrls: etcd.listenClientUrls,
      listenPeerUrls: etcd.listenPeerUrls,
    }),
  });
}

/** Some process, no etcd, that has a file of the host open. */
async function sleepHolding(path: string): Promise<ChildProcess> {
  await using file = await open(host.path(path));
  const child = spawn('sleep', ['60'], { stdio: [file.fd, 'ignore', 'ignore'] });
  await once(child, 'spawn');
  return child;
}

const prove = (components = ALL): Promise<void> =>
  node.hosting.proveStopped(plan, OPERATION, components, soon());
const unproven = (words: RegExp): object =>
  expect.objectContaining({ code: 'STOP_UNPROVEN', message: expect.stringMatching(words) });

test('says for a card what the inspection says', async () => {
  const { etcd, apiServer } = report;
  expect(etcd?.version).not.toBe('');
  expect(await node.hosting.provenance(soon())).toMatchObject({
    etcd: { version: etcd?.version, caSha256: etcd?.caSha256 },
    apiServer: {
      version: apiServer?.version,
      clusterCaSha256: apiServer?.clusterCaSha256,
      serviceAccountKeySha256: apiServer?.serviceAccountKeySha256,
      encryptionKeys: apiServer?.encryptionKeys,
    },
  });
});

describe('inspection', () => {
  test('reports the member as it serves', () => {
    expect(report.failures).toEqual([]);
    expect(report.hosting).toBe('static-pod');
    expect(report.etcd).toMatchObject({
      serving: true,
      name: host.name,
      dataDir: '/var/lib/etcd',
      version: lab.etcdTools.version,
      leader: true,
      learner: false,
      authEnabled: false,
      apiServerAddresses: [host.address],
    });
    expect(report.etcd?.members.map(({ name }) => name)).toEqual([host.name]);
  });

  test('reports manifests, API server, kubelet, disks and tools', () => {
    expect(report.manifests.map(({ component }) => component).sort()).toEqual([...ALL].sort());
    expect(report.apiServer).toMatchObject({
      ready: true,
      advertiseAddress: host.address,
      version: 'v1.34.1',
    });
    expect(report.apiServer?.serviceAccountKeySha256).toHaveLength(1);
    expect(report.kubelet).toMatchObject({ active: true, staticPodPath: hostPaths.manifests });
    expect(report.disks.map(({ purpose }) => purpose)).toEqual(['data', 'state']);
    expect(report.tools).toMatchObject([{ name: 'etcdutl', version: lab.etcdTools.version }]);
  });

  test('changes nothing', async () => {
    const before = await stat(host.path(hostPaths.manifests));
    await node.hosting.inspect(soon());
    expect((await stat(host.path(hostPaths.manifests))).ctimeMs).toBe(before.ctimeMs);
  });

  test('sees what is no pod, and says what cannot be read', async () => {
    const notYaml = join(host.path(hostPaths.manifests), 'broken');
    const pki = host.path('/etc/kubernetes/pki/sa.pub');
    try {
      await writeFile(notYaml, 'kind: Pod\n');
      await rename(pki, `${pki}.away`);
      const odd = await node.hosting.inspect(soon());
      expect(odd.manifests.find(({ fileName }) => fileName === 'broken')?.parsable).toBe(false);
      expect(odd.failures.map(({ message }) => message).join()).toContain('service account keys');
    } finally {
      await rename(`${pki}.away`, pki);
      await rm(notYaml, { force: true });
    }
  });
});

describe('going down', () => {
  test('NEW is built beside OLD from a snapshot of the live member', async () => {
    await node.stores.makeDirectory('/var/lib/lockstep/snapshots', 0o700, soon());
    const snapshot = '/var/lib/lockstep/snapshots/x.db';
    await writeFile(host.path(snapshot), node.member.snapshot(soon()));
    await node.stores.makeDirectory(STAGING, 0o700, soon());
    const [tool] = report.tools;
    const { etcd: member } = plan;
    if (tool === undefined || member === undefined) throw new Error('no tool or member');
    await node.storeBuilder.restore(
      { tool, snapshotPath: snapshot, targetDir: OTHER, member, clusterToken: OPERATION, bumpBy: 1_000_000n },
      soon(),
    );
    await node.stores.adopt(OTHER, '/var/lib/etcd', soon());
    expect(await node.stores.inodeOf(OTHER, soon())).toBeDefined();
  });

  test('is not proven while kubelet may start', async () => {
    await expect(prove()).rejects.toEqual(unproven(/not held/));
  });

  test('kubelet is held against a start by hand', async () => {
    await node.hosting.holdKubelet(OPERATION, soon());
    await node.hosting.holdKubelet(OPERATION, soon());
    await host.systemctl('start', 'kubelet.service');
    expect(await node.hosting.kubeletState(OPERATION, soon())).toEqual({
      held: true,
      marked: true,
      active: false,
    });
    expect(await node.hosting.kubeletState('another', soon())).toEqual({
      held: false,
      marked: true,
      active: false,
    });
  });

  test('is not proven while containers run', async () => {
    await expect(prove()).rejects.toEqual(unproven(/is running/));
  });

  test('manifests are parked with their inodes, once', async () => {
    await node.hosting.parkManifests(plan, ALL, PARKED, soon());
    const again = await syncedBy(() => node.hosting.parkManifests(plan, ALL, PARKED, soon()));
    expect(again).toEqual(expect.arrayContaining([PARKED, hostPaths.manifests].map((at) => host.path(at))));
    expect(await node.hosting.manifestsInPlace(plan, soon())).toEqual([]);
    const planned = plan.manifests.find(({ component }) => component === 'etcd');
    const parked = await stat(host.path(`${PARKED}/etcd.yaml`), { bigint: true });
    expect(parked.ino).toBe(planned?.inode?.number);
  });

  test('a copy of a parked manifest goes when it is parked again', async () => {
    const live = host.path(`${hostPaths.manifests}/etcd.yaml`);
    await writeFile(live, await readFile(host.path(`${PARKED}/etcd.yaml`)));
    await node.hosting.parkManifests(plan, ALL, PARKED, soon());
    expect(await node.hosting.manifestsInPlace(plan, soon())).toEqual([]);
    const planned = plan.manifests.find(({ component }) => component === 'etcd');
    const parked = await stat(host.path(`${PARKED}/etcd.yaml`), { bigint: true });
    expect(parked.ino).toBe(planned?.inode?.number);
  });

  test('two manifests that differ are nobody’s to choose', async () => {
    const live = host.path(`${hostPaths.manifests}/etcd.yaml`);
    await writeFile(live, `${await readFile(host.path(`${PARKED}/etcd.yaml`), 'utf8')}# changed\n`);
    await expect(node.hosting.returnManifest(plan, 'etcd', PARKED, soon())).rejects.toMatchObject({
      code: 'MANIFEST_CONFLICT',
    });
    await rm(live);
  });

  test('the API side stops while etcd serves on', async () => {
    await node.hosting.stopComponents(plan, CLIENTS, soon());
    await prove(CLIENTS);
    expect((await node.member.observe(soon())).leader).toBe(true);
    await expect(prove()).rejects.toEqual(unproven(/of etcd is running/));
  });

  test('the store of a running member is not exchanged', async () => {
    const request = {
      inPlace: '/var/lib/etcd',
      other: OTHER,
      lockDb: '/var/lib/etcd/member/snap/db',
      prove: async () => {},
    };
    await expect(node.stores.exchange(request, soon())).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  });

  test('etcd stops, twice', async () => {
    await node.hosting.stopComponents(plan, ['etcd'], soon());
    await node.hosting.stopComponents(plan, ['etcd'], soon());
    await prove();
    await expect(node.member.observe(deadline(1_000))).rejects.toMatchObject({ code: 'ETCD_UNREACHABLE' });
  });
});

describe('the proof, once everything has stopped', () => {
  test('takes less than a tenth of a second, more or less', async () => {
    await prove();
    const tries = 5;
    const started = performance.now();
    for (let at = 0; at < tries; at += 1) await prove();
    // Ten times what it takes on an idle machine: what is caught is a scan gone wrong.
    expect((performance.now() - started) / tries).toBeLessThan(500);
  });

  test('fails where another process has the database open', async () => {
    const child = await sleepHolding('/var/lib/etcd/member/snap/db');
    try {
      await expect(prove()).rejects.toEqual(unproven(/sleep/));
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await prove();
  });

  test('fails where somebody listens on the member’s address, not where a neighbour does', async () => {
    const listen = async (address: string, port: number): Promise<AsyncDisposable> => {
      const server = createServer().listen(port, address);
      await once(server, 'listening');
      return {
        [Symbol.asyncDispose]: async () => {
          server.close();
          await once(server, 'close');
        },
      };
    };
    {
      await using _neighbour = await listen(host.address.replace(/\d+$/u, '99'), 2379);
      await prove();
    }
    {
      await using _peer = await listen(host.address, 2380);
      await expect(prove()).rejects.toEqual(unproven(/2380/));
    }
    await using _api = await listen(host.address, 6443);
    await expect(prove()).rejects.toEqual(unproven(/6443/));
  });

  test('fails where the hold is gone', async () => {
    const hold = host.path('/var/lib/lockstep/kubelet.hold');
    await rename(hold, `${hold}.away`);
    await expect(prove()).rejects.toEqual(unproven(/not held/));
    await rename(`${hold}.away`, hold);
  });

  test('fails where the service manager was told to forget the condition', async () => {
    const dropIn = host.path('/etc/systemd/system/kubelet.service.d/99-lockstep-hold.conf');
    const text = await readFile(dropIn);
    await rm(dropIn);
    await host.systemctl('daemon-reload');
    await expect(prove()).rejects.toEqual(unproven(/not held/));
    await writeFile(dropIn, text);
    await host.systemctl('daemon-reload');
    await prove();
  });

  test('fails where the container runtime does not answer', async () => {
    await host.kill('containerd', 'SIGSTOP');
    try {
      const impatient = node.hosting.proveStopped(plan, OPERATION, ALL, deadline(1_500));
      await expect(impatient).rejects.toMatchObject({ code: 'CONTAINER_RUNTIME_FAILED' });
    } finally {
      await host.kill('containerd', 'SIGCONT');
    }
    await prove();
  });

  test('holds across a reboot: kubelet, enabled as it is, stays away', async () => {
    await host.reboot();
    await waitFor(
      {
        describe: () => 'the container runtime answers',
        check: () =>
          prove().then(
            () => true,
            () => false,
          ),
      },
      100,
      soon(),
    );
    expect(await node.hosting.kubeletState(OPERATION, soon())).toEqual({
      held: true,
      marked: true,
      active: false,
    });
  });

  test('is the same for an agent that was started anew', async () => {
    const fresh = nodeOfLab();
    try {
      await expect(fresh.hosting.proveStopped(plan, OPERATION, ALL, soon())).resolves.toBeUndefined();
    } finally {
      fresh.close();
    }
  });
});

test('a stopped node is inspected from its files', async () => {
  const stopped = await node.hosting.inspect(soon());
  expect(stopped.failures).toEqual([]);
  expect(stopped.etcd).toMatchObject({
    serving: false,
    version: lab.etcdTools.version,
    memberId: report.etcd?.memberId,
    clusterId: report.etcd?.clusterId,
    // Seen on 3.5: the database of a member that was restored never learns the client URLs.
    members: report.etcd?.members.map((member) => ({ ...member, clientUrls: expect.any(Array) })),
  });
  expect(stopped.etcd?.raftIndex).toBeGreaterThanOrEqual(report.etcd?.raftIndex ?? 0n);
  expect(stopped.kubelet?.active).toBe(false);
});

describe('coming back', () => {
  test('the stores are exchanged under the proof', async () => {
    const old = await node.stores.inodeOf('/var/lib/etcd', soon());
    await node.stores.exchange(
      {
        inPlace: '/var/lib/etcd',
        other: OTHER,
        lockDb: '/var/lib/etcd/member/snap/db',
        prove: () => prove(),
      },
      soon(),
    );
    expect(await node.stores.inodeOf(OTHER, soon())).toEqual(old);
  });

  test('what is beside is watched as what is in place', async () => {
    const child = await sleepHolding(`${OTHER}/member/snap/db`);
    await expect(prove()).rejects.toEqual(unproven(/sleep/));
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  test('etcd alone serves NEW', async () => {
    await node.hosting.returnManifest(plan, 'etcd', PARKED, soon());
    await node.hosting.returnManifest(plan, 'etcd', PARKED, soon());
    await node.hosting.releaseKubelet(OPERATION, soon());
    if (plan.etcd === undefined) throw new Error('no member');
    await node.hosting.waitServingPeers(plan.etcd, soon());
    await waitFor(
      {
        describe: () => 'the member leads',
        check: (signal) =>
          node.member.observe(signal).then(
            ({ leader }) => leader,
            () => false,
          ),
      },
      50,
      soon(),
    );
    const seen = await node.member.observe(soon());
    expect(seen.clusterId).not.toBe(report.etcd?.clusterId);
    expect(seen.revision).toBeGreaterThan(1_000_000n);
    expect(await node.hosting.manifestsInPlace(plan, soon())).toEqual(['etcd']);
  });

  test('the gate’s canary is written, stale endpoints go, alarms are none', async () => {
    const canary = await node.member.writeCanary(OPERATION, soon());
    expect((await node.member.hashKv(canary, soon())).compactRevision).toBeGreaterThan(0n);
    expect(await node.member.dropStaleMasterLeases('/registry', [host.address], soon())).toEqual([]);
    await node.member.disarmAlarms(['NOSPACE'], soon());
    expect((await node.member.observe(soon())).alarms).toEqual([]);
  });

  test('the API is ready', async () => {
    for (const component of CLIENTS) await node.hosting.returnManifest(plan, component, PARKED, soon());
    await node.hosting.waitApiReady(plan, soon());
    expect(await node.hosting.kubeletState(OPERATION, soon())).toEqual({
      held: false,
      marked: false,
      active: true,
    });
  });

  test('OLD is not removed with what is left over', async () => {
    await expect(node.stores.removeOwnTree(STAGING, OPERATION, soon())).rejects.toMatchObject({
      code: 'STORE_NOT_AS_RECORDED',
    });
  });
});

test('UNDO.txt, typed by hand, exchanges the stores and returns the manifests', async () => {
  const root = join(lab.directory, 'undo');
  const at = (path: string): string => join(root, path);
  for (const [store, content] of [
    ['/var/lib/etcd', 'new'],
    [OTHER, 'old'],
  ] as const) {
    await mkdir(at(`${store}/member/snap`), { recursive: true });
    await writeFile(at(`${store}/member/snap/db`), content);
  }
  for (const directory of [hostPaths.manifests, PARKED, '/var/lib/lockstep']) {
    await mkdir(at(directory), { recursive: true });
  }
  await writeFile(at(`${PARKED}/etcd.yaml`), 'etcd');
  await writeFile(at(`${hostPaths.manifests}/kube-apiserver.yaml`), 'api');
  const db = await stat(at(`${OTHER}/member/snap/db`), { bigint: true });
  const undone = NodePlan.fromPartial(plan);
  if (undone.etcd?.oldStore === undefined) throw new Error('no store');
  undone.etcd.oldStore.dbInode = { device: db.dev, number: db.ino };
  const text = node.hosting.undoText(undone, {
    parkedDir: PARKED,
    otherStore: OTHER,
    operationId: OPERATION,
  });
  // Its own paths, below another root; what talks to services is left out.
  const script = text
    .split('\n')
    .filter((line) => line.startsWith('    ') && !/systemctl|crictl|lockstep-agent|\/proc/u.test(line))
    .join('\n')
    .replaceAll(/(?<=[\s"'(])\/(?=etc|var)/gu, `${root}/`);
  for (let time = 0; time < 2; time += 1) {
    const shell = spawn('bash', ['-e', '-u', '-o', 'pipefail', '-c', script], { stdio: 'pipe' });
    let said = '';
    shell.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await once(shell, 'close');
    expect(shell.exitCode).toBe(0);
    expect(said).toContain('the old store is in place');
    expect(await readFile(at('/var/lib/etcd/member/snap/db'), 'utf8')).toBe('old');
    expect(await readFile(at(`${OTHER}/member/snap/db`), 'utf8')).toBe('new');
    expect(await readFile(at(`${hostPaths.manifests}/etcd.yaml`), 'utf8')).toBe('etcd');
    expect(await readFile(at(`${hostPaths.manifests}/kube-apiserver.yaml`), 'utf8')).toBe('api');
  }
});

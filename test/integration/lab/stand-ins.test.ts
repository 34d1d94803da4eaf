import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient, readKubeconfig } from '../../lab/kubelet/api-client.ts';
import { ContainerRuntime, isRunning } from '../../lab/kubelet/container-runtime.ts';
import { Lab } from '../../lab/lab.ts';
import type { LabNode } from '../../lab/lab-node.ts';
import { foreignManifest } from '../../lab/layout/manifests.ts';
import { isAlive } from '../../lab/processes.ts';
import { timings } from '../../lab/timings.ts';

/** One node without Lockstep: what Lockstep meets, as the stand-ins play it. */
let lab: Lab;
let node: LabNode;

const MANIFESTS = '/etc/kubernetes/manifests';
const PARKED = '/etc/kubernetes/parked';
const HOLD = '/var/lib/lockstep/kubelet.hold';
const DROP_IN = '/etc/systemd/system/kubelet.service.d/99-lockstep-hold.conf';
const PODS = '/api/v1/namespaces/default/pods';
const VIP = foreignManifest('vip', 'ghcr.io/kube-vip/kube-vip:v1.0.0', ['/kube-vip', 'manager']);

beforeAll(async () => {
  lab = await Lab.up({ nodes: 1, lockstep: false });
  node = lab.node('cp1');
  await mkdir(node.path(PARKED), { recursive: true });
});

afterAll(async () => {
  await lab?.down();
});

async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<number> {
  const startedMs = performance.now();
  const condition = { describe: () => what, check: async () => check() };
  await waitFor(condition, 20, AbortSignal.timeout(timeoutMs)).catch(() => {
    throw new Error(`not within ${timeoutMs} ms: ${what}`);
  });
  return performance.now() - startedMs;
}

const park = (file: string): Promise<void> =>
  rename(node.path(`${MANIFESTS}/${file}`), node.path(`${PARKED}/${file}`));
const unpark = (file: string): Promise<void> =>
  rename(node.path(`${PARKED}/${file}`), node.path(`${MANIFESTS}/${file}`));
const runs = (name: string): boolean => node.containers(name).length > 0;
const uidOf = (name: string): string | undefined => node.containers(name)[0]?.labels['io.kubernetes.pod.uid'];

describe('service manager', () => {
  it('keeps kubelet from starting while the hold’s drop-in says so, and says why', async () => {
    await writeFile(await made(DROP_IN), `[Unit]\nConditionPathExists=!${HOLD}\n`);
    await writeFile(await made(HOLD), '');
    expect((await show('NeedDaemonReload'))['NeedDaemonReload']).toBe('yes');
    await node.systemctl('daemon-reload');
    expect(await show('NeedDaemonReload', 'DropInPaths')).toEqual({
      NeedDaemonReload: 'no',
      DropInPaths: `/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf ${DROP_IN}`,
    });
    await node.stop('kubelet');
    expect((await node.systemctl('start', 'kubelet')).exitCode).toBe(0);
    expect(await show('ActiveState', 'ConditionResult', 'MainPID')).toEqual({
      ActiveState: 'inactive',
      ConditionResult: 'no',
      MainPID: '0',
    });
    expect((await node.systemctl('is-active', 'kubelet')).exitCode).toBe(3);

    await rm(node.path(HOLD));
    await node.start('kubelet');
    expect(await show('ActiveState', 'ConditionResult')).toEqual({
      ActiveState: 'active',
      ConditionResult: 'yes',
    });
  });

  it('starts a killed unit again by its policy, and not a stopped one', async () => {
    const before = await node.unitProcess('kubelet');
    await node.kill('kubelet');
    await until(
      'kubelet waits for its restart',
      async () => (await show('SubState'))['SubState'] === 'auto-restart',
    );
    await node.stop('kubelet');
    expect(await node.isActive('kubelet')).toBe(false);
    await node.start('kubelet');
    expect((await node.unitProcess('kubelet'))?.pid).not.toBe(before?.pid);
  });

  it('stops a unit that was held with SIGSTOP', async () => {
    await node.kill('kubelet', 'SIGSTOP');
    const startedMs = performance.now();
    await node.stop('kubelet');
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    await node.start('kubelet');
  });

  it('answers within milliseconds', async () => {
    const startedMs = performance.now();
    for (let call = 0; call < 10; call++) await node.isActive('kubelet');
    expect((performance.now() - startedMs) / 10).toBeLessThan(100);
  });

  async function made(hostPath: string): Promise<string> {
    await mkdir(dirname(node.path(hostPath)), { recursive: true });
    return node.path(hostPath);
  }

  async function show(...properties: string[]): Promise<Record<string, string>> {
    const { stdout } = await node.systemctl('show', 'kubelet.service', `--property=${properties.join(',')}`);
    const lines = stdout.split('\n').filter((line) => line !== '');
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  }
});

describe('container runtime', () => {
  it('stops a container at once where no time is given', async () => {
    await until('etcd runs', () => runs('etcd'));
    const [etcd] = node.containers('etcd');
    const startedMs = performance.now();
    await runtime().stopContainer(etcd?.id ?? '', 0);
    expect(performance.now() - startedMs).toBeLessThan(500);
    expect(etcd !== undefined && isAlive(etcd.process)).toBe(false);
    await until('kubelet starts it again', () => runs('etcd'));
  });

  it('leaves its containers running when it is killed, and knows them when it is back', async () => {
    const before = node.containers().map(({ id, process }) => `${id} ${process.pid}`);
    expect(before.length).toBeGreaterThanOrEqual(4);
    await node.kill('containerd');
    await until('containerd is back', () => node.isActive('containerd'));
    await until('it answers', async () => (await running()).length >= before.length);
    expect(node.containers().map(({ id, process }) => `${id} ${process.pid}`)).toEqual(before);
  });

  function runtime(): ContainerRuntime {
    return new ContainerRuntime(node.path('/run/containerd/containerd.sock'));
  }

  async function running(): Promise<unknown[]> {
    const observed = await runtime()
      .observe()
      .catch(() => undefined);
    return observed?.containers.filter(isRunning) ?? [];
  }
});

describe('kubelet', () => {
  it('ends a pod whose manifest is moved out with SIGTERM, and starts it again once it has ended', async () => {
    await node.waitApiReady(AbortSignal.timeout(30_000));
    const uid = uidOf('kube-apiserver');
    await park('kube-apiserver.yaml');
    await until('the API server is told to stop', async () => !(await node.isApiReady()));
    expect(runs('kube-apiserver')).toBe(true);
    await unpark('kube-apiserver.yaml');
    const tookMs = await until('it has ended', () => !runs('kube-apiserver'), timings.kubeletGraceMs);
    expect(tookMs).toBeGreaterThan(timings.apiServerStopMs / 2);
    await until('it is back', () => runs('kube-apiserver'));
    expect(uidOf('kube-apiserver')).toBe(uid);
    await node.waitApiReady(AbortSignal.timeout(30_000));
  });

  it('restarted while the API is down, does not end a pod whose manifest is gone', async () => {
    await node.addStaticPod('vip.yaml', VIP);
    await until('the pod runs', () => runs('vip'));
    await park('kube-apiserver.yaml');
    await until('the API is down', () => !runs('kube-apiserver'), timings.kubeletGraceMs);
    await node.restart('kubelet');
    await delay(timings.kubeletStartMs + 1_000);
    await node.removeStaticPod('vip.yaml');
    await delay(2 * timings.kubeletHousekeepingMs);
    expect(runs('vip')).toBe(true);
    await unpark('kube-apiserver.yaml');
    await until('the API seen, the pod ends', () => !runs('vip'), 30_000);
  });

  it('ends such a pod at once where it saw the API before', async () => {
    await node.addStaticPod('vip.conf', VIP);
    await until('the pod runs, whatever its file’s suffix', () => runs('vip'));
    node.killContainers('kube-apiserver');
    await node.removeStaticPod('vip.conf');
    const tookMs = await until('the pod ends', () => !runs('vip'));
    expect(tookMs).toBeLessThan(timings.kubeletGraceMs);
  });

  it('waits with an edited manifest’s pod for the end of the one before, unless it misbehaves', async () => {
    await node.waitApiReady(AbortSignal.timeout(30_000));
    await node.addStaticPod('vip.yaml', VIP);
    await until('the pod runs', () => runs('vip'));
    const first = uidOf('vip');
    await node.addStaticPod('vip.yaml', VIP.replace('v1.0.0', 'v1.0.1'));
    await until('another pod runs', () => runs('vip') && uidOf('vip') !== first);
    expect(node.containers('vip')).toHaveLength(1);

    await node.misbehave({ duplicates: true });
    const { process } = node.containers('vip')[0] ?? {};
    globalThis.process.kill(process?.pid ?? 0, 'SIGSTOP');
    await node.addStaticPod('vip.yaml', VIP.replace('v1.0.0', 'v1.0.2'));
    await until('two run', () => node.containers('vip').length === 2);
    await node.misbehave({});
    node.killContainers('vip');
    await node.removeStaticPod('vip.yaml');
    await until('none runs', () => !runs('vip'));
  });

  it('acts late on manifests where it is slow', async () => {
    await node.misbehave({ eventDelayMs: 2_000 });
    const took: number[] = [];
    // Its look at all files, every 20 s, may come before the event: not twice in so short a time.
    for (let tries = 0; tries < 2; tries++) {
      await node.addStaticPod('vip.yaml', VIP);
      took.push(await until('the pod runs', () => runs('vip')));
      await node.removeStaticPod('vip.yaml');
      await until('the pod ends', () => !runs('vip'));
    }
    await node.misbehave({});
    expect(Math.max(...took)).toBeGreaterThan(2_000);
  });

  it('runs the pods that the API binds to it, and ends those that are deleted', async () => {
    await node.waitApiReady(AbortSignal.timeout(30_000));
    for (const name of ['web', 'db']) {
      const created = await api('POST', PODS, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default' },
        spec: { nodeName: 'cp1', containers: [{ name, image: `example.org/${name}:1` }] },
      });
      expect(created).toBe(201);
    }
    await until('both run', () => runs('web') && runs('db'));
    expect(await api('DELETE', `${PODS}/db`)).toBe(200);
    await until('the deleted one ends', () => !runs('db'));
    expect(runs('web')).toBe(true);
  });

  it('makes a new, empty cluster of etcd.yaml over a store that is gone, and then ends every pod', async () => {
    await node.waitApiReady(AbortSignal.timeout(30_000));
    expect(runs('web')).toBe(true);
    expect(await keyCount()).toBeGreaterThan(0);
    await node.stop('kubelet');
    node.killContainers('kube-apiserver');
    await rename(node.path('/var/lib/etcd'), node.path('/var/lib/etcd.gone'));
    node.killContainers('etcd');
    await park('kube-apiserver.yaml');
    await node.start('kubelet');
    await until('etcd serves', async () => (await lab.etcdctl(node, ['endpoint', 'health'])).exitCode === 0);
    expect(existsSync(node.path('/var/lib/etcd/member'))).toBe(true);
    expect(await keyCount()).toBe(0);
    await unpark('kube-apiserver.yaml');
    await until('the pods of the API end', () => !runs('web'), 60_000);
  });

  /** The status that the API answers with. */
  async function api(method: string, path: string, body?: unknown): Promise<number> {
    const client = new ApiClient(readKubeconfig(node.path('/etc/kubernetes/admin.conf'), node.root));
    const { status } = await client.send(method, path, body, AbortSignal.timeout(10_000));
    client.close();
    return status;
  }

  async function keyCount(): Promise<number> {
    const { stdout } = await lab.etcdctl(node, [
      'get',
      '--prefix',
      '/registry/',
      '--count-only',
      '-w',
      'fields',
    ]);
    return Number(/"Count" : (\d+)/.exec(stdout)?.[1]);
  }
});

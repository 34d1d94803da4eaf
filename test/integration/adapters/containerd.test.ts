import { mkdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { credentials } from '@grpc/grpc-js';
import { ContainerRuntime } from '@lockstep/agent/adapters/cri.ts';
import { formatDevice } from '@lockstep/agent/adapters/proc-tables.ts';
import { ProcessTable } from '@lockstep/agent/adapters/process-table.ts';
import { Syscalls } from '@lockstep/agent/adapters/syscalls.ts';
import { ToolFinder } from '@lockstep/agent/hosting/inspect/tools.ts';
import { ComponentStopper } from '@lockstep/agent/hosting/static-pod/stop-components.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { freePort } from '@lockstep/shared/free-port.ts';
import {
  ContainerConfig,
  type CreateContainerRequest,
  type CreateContainerResponse,
  NamespaceMode,
  PodSandboxConfig,
  type RunPodSandboxRequest,
  type RunPodSandboxResponse,
  RuntimeServiceClient,
  type StartContainerRequest,
  type StartContainerResponse,
} from '@lockstep/shared/generated/cri/runtime/v1/api.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { locateTools } from '../../lab/tools/locate.ts';
import {
  importImage,
  locateContainerd,
  type RunningContainerd,
  startContainerd,
} from './support/containerd.ts';
import { scratchDirectory } from './support/scratch.ts';

const IMAGE = 'lockstep.test/etcd:1';
const bin = await locateContainerd();
const soon = (): AbortSignal => deadline(60_000);

describe.skipIf(bin === undefined)('a real containerd (skipped where there is none, or no root)', () => {
  let scratch: Awaited<ReturnType<typeof scratchDirectory>>;
  let containerd: RunningContainerd;
  let runtime: ContainerRuntime;
  let dataDir: string;

  beforeAll(async () => {
    scratch = await scratchDirectory();
    containerd = await startContainerd(bin ?? '', join(scratch.path, 'c'), IMAGE);
    runtime = new ContainerRuntime(containerd.socket);
    const { etcd } = await locateTools();
    await importImage(bin ?? '', containerd.socket, scratch.path, IMAGE, {
      '/usr/local/bin/etcd': etcd.etcd,
      '/usr/local/bin/etcdutl': etcd.etcdutl,
    });
    dataDir = join(scratch.path, 'data');
    await mkdir(dataDir);
    await runAsKubelet(containerd.socket, 'kube-system', 'etcd', dataDir);
    await mkdir(join(scratch.path, 'tenant'));
    await runAsKubelet(containerd.socket, 'tenant-a', 'etcd', join(scratch.path, 'tenant'));
    await waitFor(
      { describe: () => 'etcd has its database', check: () => exists(join(dataDir, 'member/snap/db')) },
      100,
      soon(),
    );
  });

  afterAll(async () => {
    if (runtime !== undefined) {
      const everything = await runtime.staticPods(['etcd'], soon());
      for (const { sandboxId } of everything) await runtime.removeSandbox(sandboxId, soon());
    }
    for (const sandboxId of tenantSandboxes) {
      await runtime.stopSandbox(sandboxId, soon());
      await runtime.removeSandbox(sandboxId, soon());
    }
    runtime?.close();
    await containerd?.[Symbol.asyncDispose]();
    await scratch?.[Symbol.asyncDispose]();
  });

  test('lists the static pod alone, with its process and the tools in its root', async () => {
    expect(await runtime.version(soon())).toMatch(/^containerd /u);
    const pods = await runtime.staticPods(['etcd'], soon());
    expect(pods).toHaveLength(1);
    expect(pods[0]).toMatchObject({ component: 'etcd', name: 'etcd-cp1', sandboxReady: true });
    const [container] = pods[0]?.containers ?? [];
    expect(container).toMatchObject({ name: 'etcd', state: 'running' });
    const pid = await runtime.pidOf(container?.id ?? '', soon());
    expect(await readlink(`/proc/${pid}/exe`)).toContain('etcd');
    const etcdRoot = new ProcessTable().rootOf(pid ?? 0);
    const found = await new ToolFinder().find({ configured: {}, searchPath: '', etcdRoot }, soon());
    expect(found).toMatchObject([
      { name: 'etcdutl', source: 'etcd-root', version: expect.stringMatching(/^3\./u) },
    ]);
  });

  test('a container’s etcd is found by its file, seen from outside', async () => {
    const db = await stat(join(dataDir, 'member/snap/db'), { bigint: true });
    const identity = { device: formatDevice(db.dev), inode: db.ino };
    const open = await new ProcessTable().openFiles([identity], soon());
    expect(open.map(({ command }) => command)).toEqual(['etcd']);
    expect(
      new ProcessTable().locks().some(({ pid, file }) => pid === open[0]?.pid && file.inode === db.ino),
    ).toBe(true);
  });

  test('is stopped at once and for good; the tenant’s stays', async () => {
    const stopper = new ComponentStopper(runtime, new Syscalls());
    const started = performance.now();
    await stopper.stop(['etcd'], soon());
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(stopper.survivors(['etcd'])).toEqual([]);
    expect(await runtime.staticPods(['etcd'], soon())).toEqual([]);
    await stopper.stop(['etcd'], soon());
    const tenant = await stat(join(scratch.path, 'tenant/member/snap/db'), { bigint: true });
    const identity = { device: formatDevice(tenant.dev), inode: tenant.ino };
    expect(await new ProcessTable().openFiles([identity], soon())).toHaveLength(1);
  });
});

const tenantSandboxes: string[] = [];

/** A pod as kubelet makes it: marks on the sandbox, its own few on the container, the host's network. */
async function runAsKubelet(
  socket: string,
  namespace: string,
  component: string,
  dataDir: string,
): Promise<void> {
  const client = new RuntimeServiceClient(`unix:${socket}`, credentials.createInsecure(), {
    'grpc.default_authority': 'localhost',
  });
  const call = {
    runPodSandbox: promisify<RunPodSandboxRequest, RunPodSandboxResponse>(client.runPodSandbox.bind(client)),
    createContainer: promisify<CreateContainerRequest, CreateContainerResponse>(
      client.createContainer.bind(client),
    ),
    startContainer: promisify<StartContainerRequest, StartContainerResponse>(
      client.startContainer.bind(client),
    ),
  };
  const name = `${component}-cp1`;
  const uid = `uid-${namespace}`;
  const labels = {
    'io.kubernetes.pod.namespace': namespace,
    'io.kubernetes.pod.name': name,
    'io.kubernetes.pod.uid': uid,
  };
  const sandbox = PodSandboxConfig.fromPartial({
    metadata: { name, uid, namespace, attempt: 0 },
    labels: { ...labels, component, tier: 'control-plane' },
    annotations: { 'kubernetes.io/config.source': 'file' },
    linux: {
      securityContext: {
        namespaceOptions: {
          network: NamespaceMode.NODE,
          pid: NamespaceMode.CONTAINER,
          ipc: NamespaceMode.POD,
        },
      },
    },
  });
  const { podSandboxId } = await call.runPodSandbox({ config: sandbox, runtimeHandler: '' });
  if (namespace !== 'kube-system') tenantSandboxes.push(podSandboxId);
  const [client1, peer] = [await freePort(), await freePort()];
  const container = ContainerConfig.fromPartial({
    metadata: { name: component, attempt: 0 },
    image: { image: IMAGE },
    command: ['/usr/local/bin/etcd'],
    args: [
      '--data-dir=/var/lib/etcd',
      `--listen-client-urls=http://127.0.0.1:${client1}`,
      `--advertise-client-urls=http://127.0.0.1:${client1}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-cluster=default=http://127.0.0.1:${peer}`,
    ],
    mounts: [{ containerPath: '/var/lib/etcd', hostPath: dataDir }],
    labels: { ...labels, 'io.kubernetes.container.name': component },
  });
  const { containerId } = await call.createContainer({
    podSandboxId,
    config: container,
    sandboxConfig: sandbox,
  });
  await call.startContainer({ containerId });
  client.close();
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

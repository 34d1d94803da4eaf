import type { Container } from '@lockstep/shared/generated/cri/runtime/v1/api.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContainerRuntime, isReady, isRunning, uidOf } from '../../lab/kubelet/container-runtime.ts';
import { type Pod, staticPod } from '../../lab/kubelet/pod.ts';
import { identify } from '../../lab/processes.ts';
import { until } from '../../lab/wait.ts';
import { startContainerd, whyNoContainerd } from './runtimes/containerd.ts';
import type { RuntimeUnderTest } from './runtimes/runtime-under-test.ts';
import { startStandIn } from './runtimes/stand-in.ts';

const noContainerd = whyNoContainerd();

/** The stand-in and a real containerd are asked the same. */
describe('the stand-in', () => {
  speaksCri(startStandIn);
});

describe.skipIf(noContainerd !== undefined)(`containerd${noContainerd ? ` (${noContainerd})` : ''}`, () => {
  speaksCri(startContainerd);
});

function speaksCri(start: () => Promise<RuntimeUnderTest>): void {
  let server: RuntimeUnderTest;
  let runtime: ContainerRuntime;
  let serial = 0;

  beforeAll(async () => {
    server = await start();
    runtime = new ContainerRuntime(server.socket, server.podLogDirectory);
  });

  afterAll(async () => {
    runtime?.close();
    await server?.[Symbol.asyncDispose]();
  });

  function newPod(): Pod {
    serial++;
    const text = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `pod-${serial}`, namespace: 'kube-system', labels: { component: 'etcd' } },
      spec: {
        hostNetwork: true,
        containers: [{ name: 'main', image: server.image, command: ['/bin/sleep', 'infinity'] }],
      },
    });
    return staticPod(text, { node: 'cp1', path: `/manifests/${serial}.yaml`, seen: new Date(0) });
  }

  async function run(): Promise<{ pod: Pod; sandboxId: string; container: Container }> {
    const pod = newPod();
    const sandboxId = await runtime.runSandbox(pod, 0);
    const [main] = pod.containers;
    if (main === undefined) throw new Error('a pod has a container');
    await runtime.runContainer(pod, main, { id: sandboxId, attempt: 0 }, 0);
    const [container] = await containersOf(pod);
    if (container === undefined) throw new Error('the container is not listed');
    return { pod, sandboxId, container };
  }

  async function containersOf(pod: Pod): Promise<Container[]> {
    return (await runtime.observe()).containers.filter((container) => uidOf(container) === pod.uid);
  }

  it('runs a container, lists it with kubelet’s labels, and names its process', async () => {
    const { pod, sandboxId, container } = await run();
    expect(isRunning(container)).toBe(true);
    expect(container.labels).toEqual({
      'io.kubernetes.pod.name': pod.name,
      'io.kubernetes.pod.namespace': 'kube-system',
      'io.kubernetes.pod.uid': pod.uid,
      'io.kubernetes.container.name': 'main',
    });
    const pid = await runtime.processOf(container.id);
    expect(identify(pid ?? 0)).toBeDefined();
    const sandbox = (await runtime.observe()).sandboxes.find(({ id }) => id === sandboxId);
    expect(sandbox?.labels).toMatchObject({ component: 'etcd', 'io.kubernetes.pod.uid': pod.uid });
    expect(sandbox?.annotations).toMatchObject({ 'kubernetes.io/config.source': 'file' });
  });

  it('ends a container at once where no time is given, as often as asked, and lists it as ended', async () => {
    const { pod, container } = await run();
    const pid = (await runtime.processOf(container.id)) ?? 0;
    const startedMs = performance.now();
    await runtime.stopContainer(container.id, 0);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(identify(pid)).toBeUndefined();
    await runtime.stopContainer(container.id, 0);
    expect((await containersOf(pod)).map(isRunning)).toEqual([false]);
  });

  it('ends a container within the time that is given', async () => {
    const { pod, container } = await run();
    await runtime.stopContainer(container.id, 1_000);
    expect((await containersOf(pod)).map(isRunning)).toEqual([false]);
  });

  it('ends what runs in a sandbox that is stopped, and removes what is in one that is removed', async () => {
    const { pod, sandboxId, container } = await run();
    const pid = (await runtime.processOf(container.id)) ?? 0;
    await runtime.stopSandbox(sandboxId);
    expect(identify(pid)).toBeUndefined();
    const sandbox = (await runtime.observe()).sandboxes.find(({ id }) => id === sandboxId);
    expect(sandbox !== undefined && isReady(sandbox)).toBe(false);
    await runtime.removeSandbox(sandboxId);
    await runtime.removeSandbox(sandboxId);
    expect(await containersOf(pod)).toEqual([]);
  });

  it('sees that a container’s process was killed', async () => {
    const { pod, container } = await run();
    process.kill((await runtime.processOf(container.id)) ?? 0, 'SIGKILL');
    const hasEnded = async (): Promise<boolean> => !(await containersOf(pod)).some(isRunning);
    await until('it is listed as ended', hasEnded, AbortSignal.timeout(5_000));
    expect((await containersOf(pod)).map(({ id }) => id)).toEqual([container.id]);
  });

  it('killed and started again, still has its containers running', async () => {
    const { pod, container } = await run();
    const pid = await runtime.processOf(container.id);
    await server.killAndRestart();
    expect(identify(pid ?? 0)).toBeDefined();
    expect((await containersOf(pod)).map(({ id, state }) => [id, state])).toEqual([
      [container.id, container.state],
    ]);
    expect(await runtime.processOf(container.id)).toBe(pid);
  });
}

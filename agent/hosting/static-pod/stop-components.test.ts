import { openSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';

import type { ContainerRuntime, StaticPod } from '../../adapters/cri.ts';
import type { Syscalls } from '../../adapters/syscalls.ts';
import { ComponentStopper } from './stop-components.ts';

const pod = (component: string, state: StaticPod['containers'][number]['state']): StaticPod => ({
  sandboxId: `sandbox of ${component}`,
  component,
  name: `${component}-cp1`,
  uid: 'u',
  sandboxReady: true,
  containers: [{ id: component, name: component, state, image: '' }],
});

/** A runtime of one process per running container, and the kernel's word on each. */
class Node {
  readonly said: string[] = [];
  readonly ended = new Set<number>();
  pods: StaticPod[] = [pod('etcd', 'running'), pod('kube-apiserver', 'exited')];
  pidOf: (id: string) => Promise<number | undefined> = async () => 42;
  dies = true;
  diesWithSandbox = false;
  pidfdOpen: (pid: number) => number = () => openSync('/dev/null', 'r');
  readonly #pidOfFd = new Map<number, number>();

  readonly stopper = new ComponentStopper(
    {
      staticPods: async () => this.pods,
      pidOf: (id: string) => this.pidOf(id),
      killContainer: async (id: string) => {
        await turn();
        this.said.push(`kill ${id}`);
        if (this.dies) this.ended.add(42);
      },
      stopSandbox: async (id: string) => {
        this.said.push(`stop ${id}`);
        if (this.diesWithSandbox) this.ended.add(42);
      },
      removeSandbox: async (id: string) => {
        this.said.push(`remove ${id}`);
      },
    } as unknown as ContainerRuntime,
    {
      pidfdOpen: (pid: number) => {
        this.said.push(`watch ${pid}`);
        const fd = this.pidfdOpen(pid);
        this.#pidOfFd.set(fd, pid);
        return fd;
      },
      pidfdExited: (fd: number) => this.ended.has(this.#pidOfFd.get(fd) ?? 0),
    } as unknown as Syscalls,
  );
}

const never = new AbortController().signal;

describe('stopping components', () => {
  test('watches a process before it is killed, and kills before sandboxes go', async () => {
    const node = new Node();
    await node.stopper.stop(['etcd', 'kube-apiserver'], never);
    expect(node.said.slice(0, 2)).toEqual(['watch 42', 'kill etcd']);
    // What has exited is not killed, but its sandbox goes too.
    expect(node.said.slice(2).toSorted()).toEqual([
      'remove sandbox of etcd',
      'remove sandbox of kube-apiserver',
      'stop sandbox of etcd',
      'stop sandbox of kube-apiserver',
    ]);
    for (const component of ['etcd', 'kube-apiserver']) {
      expect(node.said.indexOf(`stop sandbox of ${component}`)).toBeLessThan(
        node.said.indexOf(`remove sandbox of ${component}`),
      );
    }
    expect(node.stopper.survivors(['etcd'])).toEqual([]);
  });

  test('does not resolve while a process that was killed is still there', async () => {
    const node = new Node();
    node.dies = false;
    let stopped = false;
    const stopping = node.stopper.stop(['etcd'], never).then(() => {
      stopped = true;
    });
    for (let turns = 0; turns < 20; turns += 1) await turn();
    expect(stopped).toBe(false);
    expect(node.stopper.survivors(['etcd'])).toEqual([42]);
    expect(node.stopper.survivors(['kube-apiserver'])).toEqual([]);
    node.ended.add(42);
    await stopping;
    expect(node.stopper.survivors(['etcd'])).toEqual([]);
  });

  test('takes the sandbox from a process that a kill alone did not end', async () => {
    const node = new Node();
    Object.assign(node, { dies: false, diesWithSandbox: true });
    await node.stopper.stop(['etcd'], AbortSignal.timeout(1_000));
    expect(node.stopper.survivors(['etcd'])).toEqual([]);
  });

  test('ends with the caller’s reason where the caller gives up', async () => {
    const node = new Node();
    node.dies = false;
    const controller = new AbortController();
    const stopping = node.stopper.stop(['etcd'], controller.signal);
    await turn();
    controller.abort(new Error('given up'));
    await expect(stopping).rejects.toThrow('given up');
  });

  test.each([
    ['the runtime does not know', async () => undefined],
    ['the runtime fails to say', () => Promise.reject(new Error('x'))],
  ])('kills a process that %s', async (_what, pidOf) => {
    const node = new Node();
    node.pidOf = pidOf;
    await node.stopper.stop(['etcd'], never);
    expect(node.said).toContain('kill etcd');
    expect(node.said.join()).not.toContain('watch');
  });

  test('takes a process that has just ended for ended, and no other failure of the kernel', async () => {
    const node = new Node();
    node.pidfdOpen = () => {
      throw Object.assign(new Error('x'), { code: 'ESRCH' });
    };
    await node.stopper.stop(['etcd'], never);
    expect(node.stopper.survivors(['etcd'])).toEqual([]);
    node.pidfdOpen = () => {
      throw Object.assign(new Error('x'), { code: 'EMFILE' });
    };
    await expect(node.stopper.stop(['etcd'], never)).rejects.toMatchObject({ code: 'EMFILE' });
  });
});

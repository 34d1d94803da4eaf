import { Client, credentials, Metadata, type MethodDefinition } from '@grpc/grpc-js';

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import {
  type Container,
  ContainerState,
  type PodSandbox,
  PodSandboxState,
  RuntimeServiceService,
} from '@lockstep/shared/generated/cri/runtime/v1/api.ts';
import { z } from 'zod';

/** kubelet's own marks on what it runs. */
const NAMESPACE_LABEL = 'io.kubernetes.pod.namespace';
const POD_NAME_LABEL = 'io.kubernetes.pod.name';
const POD_UID_LABEL = 'io.kubernetes.pod.uid';
const COMPONENT_LABEL = 'component';
const SOURCE_ANNOTATION = 'kubernetes.io/config.source';
const STATIC_NAMESPACE = 'kube-system';

/** A list with every container's labels on a busy node is a few hundred KiB. */
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
/** A runtime that was restarted is asked again at once. */
const RECONNECT_MS = { first: 50, longest: 500 };

/** One static pod as the runtime knows it: its sandbox and the containers in it. */
export interface StaticPod {
  readonly sandboxId: string;
  readonly component: string;
  readonly name: string;
  readonly uid: string;
  readonly sandboxReady: boolean;
  readonly containers: readonly StaticContainer[];
}

export interface StaticContainer {
  readonly id: string;
  readonly name: string;
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
  /** "registry.k8s.io/etcd:3.5.16-0" */
  readonly image: string;
}

/** containerd puts it at the top of `info`, CRI-O likewise. */
const verboseInfo = z.object({ pid: z.number().int().nonnegative() });

/** The container runtime, over the Container Runtime Interface on its socket. */
export class ContainerRuntime {
  readonly #socket: string;
  #client: Client | undefined;

  /** `socket` is a path of this process's file system. */
  constructor(socket: string) {
    this.#socket = socket;
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async version(signal: AbortSignal): Promise<string> {
    const { runtimeName, runtimeVersion } = await this.#call(
      RuntimeServiceService.version,
      { version: 'v1' },
      signal,
    );
    return `${runtimeName} ${runtimeVersion}`;
  }

  /**
   * Static pods of these components, dead ones too. Containers without a sandbox count: a runtime
   * may lose one and keep the other. Other pods of the same name elsewhere (a virtual cluster's
   * etcd) carry no `config.source=file` and are not in it.
   */
  async staticPods(components: readonly string[], signal: AbortSignal): Promise<StaticPod[]> {
    const [sandboxes, containers] = await Promise.all([
      this.#call(RuntimeServiceService.listPodSandbox, { filter: undefined }, signal),
      this.#call(RuntimeServiceService.listContainers, { filter: undefined }, signal),
    ]);
    return collectStaticPods(sandboxes.items, containers.containers, components);
  }

  /** All that runs or ran here, as the runtime tells it: whoever's it is. */
  async everything(
    signal: AbortSignal,
  ): Promise<{ readonly sandboxes: readonly PodSandbox[]; readonly containers: readonly Container[] }> {
    const [{ items }, { containers }] = await Promise.all([
      this.#call(RuntimeServiceService.listPodSandbox, { filter: undefined }, signal),
      this.#call(RuntimeServiceService.listContainers, { filter: undefined }, signal),
    ]);
    return { sandboxes: items, containers };
  }

  /** Pids of running containers; what has ended meanwhile has none. */
  async pidOf(containerId: string, signal: AbortSignal): Promise<number | undefined> {
    const { info } = await this.#call(
      RuntimeServiceService.containerStatus,
      { containerId, verbose: true },
      signal,
    );
    return parsePid(info);
  }

  /** SIGKILL at once; resolves when the container has ended. Idempotent. */
  async killContainer(containerId: string, signal: AbortSignal): Promise<void> {
    await this.#call(RuntimeServiceService.stopContainer, { containerId, timeout: 0n }, signal);
  }

  /** Ends whatever runs in it and frees what it holds. Idempotent. */
  async stopSandbox(podSandboxId: string, signal: AbortSignal): Promise<void> {
    await this.#call(RuntimeServiceService.stopPodSandbox, { podSandboxId }, signal);
  }

  async removeSandbox(podSandboxId: string, signal: AbortSignal): Promise<void> {
    await this.#call(RuntimeServiceService.removePodSandbox, { podSandboxId }, signal);
  }

  async #call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    signal: AbortSignal,
  ): Promise<Response> {
    const name = method.path.slice(method.path.lastIndexOf('/') + 1);
    const failed = (cause: unknown): LockstepError =>
      new LockstepError('CONTAINER_RUNTIME_FAILED', {
        message: `${name} on ${this.#socket} failed: ${cause instanceof Error ? cause.message : String(cause)}.`,
        cause,
      });
    if (signal.aborted) throw failed(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const call = this.#connection().makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      new Metadata(),
      {},
      (error, response) => {
        if (error === null && response !== undefined) resolve(response);
        else reject(error ?? new Error('an empty answer'));
      },
    );
    const cancel = (): void => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await promise;
    } catch (thrown) {
      throw failed(signal.aborted ? signal.reason : thrown);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  #connection(): Client {
    this.#client ??= new Client(`unix:${this.#socket}`, credentials.createInsecure(), {
      // containerd answers no other authority than one that could be a host.
      'grpc.default_authority': 'localhost',
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.initial_reconnect_backoff_ms': RECONNECT_MS.first,
      'grpc.min_reconnect_backoff_ms': RECONNECT_MS.first,
      'grpc.max_reconnect_backoff_ms': RECONNECT_MS.longest,
      'grpc.use_local_subchannel_pool': 1,
    });
    return this.#client;
  }
}

const STATES: Readonly<Record<ContainerState, StaticContainer['state']>> = {
  [ContainerState.CONTAINER_CREATED]: 'created',
  [ContainerState.CONTAINER_RUNNING]: 'running',
  [ContainerState.CONTAINER_EXITED]: 'exited',
  [ContainerState.CONTAINER_UNKNOWN]: 'unknown',
};

/**
 * Joins sandboxes and containers to static pods. Containers carry no `component` label and no
 * source annotation of their own (kubelet sets only its io.kubernetes.* labels), so they are found
 * by their sandbox; one whose sandbox is gone, by its name in kube-system.
 */
export function collectStaticPods(
  sandboxes: readonly PodSandbox[],
  containers: readonly Container[],
  components: readonly string[],
): StaticPod[] {
  const wanted = sandboxes.filter(
    (sandbox) =>
      sandbox.labels[NAMESPACE_LABEL] === STATIC_NAMESPACE &&
      sandbox.annotations[SOURCE_ANNOTATION] === 'file' &&
      components.includes(sandbox.labels[COMPONENT_LABEL] ?? ''),
  );
  const pods: StaticPod[] = wanted.map((sandbox) => ({
    sandboxId: sandbox.id,
    component: sandbox.labels[COMPONENT_LABEL] ?? '',
    name: sandbox.labels[POD_NAME_LABEL] ?? sandbox.metadata?.name ?? '',
    uid: sandbox.labels[POD_UID_LABEL] ?? sandbox.metadata?.uid ?? '',
    sandboxReady: sandbox.state === PodSandboxState.SANDBOX_READY,
    containers: containers.filter((one) => one.podSandboxId === sandbox.id).map(describe),
  }));
  const known = new Set(sandboxes.map((sandbox) => sandbox.id));
  const orphans = containers.filter(
    (one) =>
      !known.has(one.podSandboxId) &&
      one.labels[NAMESPACE_LABEL] === STATIC_NAMESPACE &&
      components.includes(one.metadata?.name ?? ''),
  );
  for (const orphan of orphans) {
    pods.push({
      sandboxId: orphan.podSandboxId,
      component: orphan.metadata?.name ?? '',
      name: orphan.labels[POD_NAME_LABEL] ?? '',
      uid: orphan.labels[POD_UID_LABEL] ?? '',
      sandboxReady: false,
      containers: [describe(orphan)],
    });
  }
  return pods;
}

function describe(container: Container): StaticContainer {
  return {
    id: container.id,
    name: container.metadata?.name ?? '',
    state: STATES[container.state],
    image: container.image?.userSpecifiedImage || (container.image?.image ?? ''),
  };
}

/** A runtime that tells no pid is no reason to fail: the process is found by its files as well. */
export function parsePid(info: Readonly<Record<string, string>>): number | undefined {
  const text = info['info'];
  if (text === undefined) return undefined;
  try {
    const parsed = verboseInfo.safeParse(JSON.parse(text));
    return parsed.success && parsed.data.pid > 0 ? parsed.data.pid : undefined;
  } catch {
    return undefined;
  }
}

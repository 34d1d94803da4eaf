import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  type Container,
  ContainerState,
  NamespaceMode,
  type PodSandbox,
  type PodSandboxConfig,
  PodSandboxState,
  RuntimeServiceClient,
} from '@lockstep/shared/generated/cri/runtime/v1/api.ts';
import type { Pod } from './pod.ts';

export const LABEL_POD_NAME = 'io.kubernetes.pod.name';
export const LABEL_POD_NAMESPACE = 'io.kubernetes.pod.namespace';
export const LABEL_POD_UID = 'io.kubernetes.pod.uid';
export const LABEL_CONTAINER_NAME = 'io.kubernetes.container.name';

const CALL_TIMEOUT_MS = 120_000;

/** What runs on the node, as one look at the runtime showed it. */
export interface Observed {
  readonly sandboxes: readonly PodSandbox[];
  readonly containers: readonly Container[];
}

type PodContainer = Pod['containers'][number];

/** kubelet's words for the runtime: pods with labels and annotations as the real one sets them. */
export class ContainerRuntime {
  private readonly client: RuntimeServiceClient;
  private readonly podLogDirectory: string;

  constructor(socket: string, podLogDirectory: string = '/var/log/pods') {
    this.podLogDirectory = podLogDirectory;
    this.client = new RuntimeServiceClient(`unix:${socket}`, credentials.createInsecure(), {
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
    });
  }

  async observe(): Promise<Observed> {
    const [sandboxes, containers] = await Promise.all([
      call<{ items: PodSandbox[] }>((done) =>
        this.client.listPodSandbox({ filter: undefined }, new Metadata(), deadline(), done),
      ),
      call<{ containers: Container[] }>((done) =>
        this.client.listContainers({ filter: undefined }, new Metadata(), deadline(), done),
      ),
    ]);
    return { sandboxes: sandboxes.items, containers: containers.containers };
  }

  async runSandbox(pod: Pod, attempt: number): Promise<string> {
    const config = this.sandboxConfig(pod, attempt);
    const { podSandboxId } = await call<{ podSandboxId: string }>((done) =>
      this.client.runPodSandbox({ config, runtimeHandler: '' }, new Metadata(), deadline(), done),
    );
    return podSandboxId;
  }

  async runContainer(
    pod: Pod,
    container: PodContainer,
    sandbox: { id: string; attempt: number },
    attempt: number,
  ): Promise<void> {
    const { containerId } = await call<{ containerId: string }>((done) =>
      this.client.createContainer(
        {
          podSandboxId: sandbox.id,
          config: {
            metadata: { name: container.name, attempt },
            image: { image: container.image, annotations: {}, userSpecifiedImage: container.image },
            command: container.command,
            args: container.args,
            workingDir: '',
            envs: container.env.map(({ name, value }) => ({ key: name, value: value ?? '' })),
            mounts: mountsOf(pod, container),
            labels: { ...identityLabels(pod), [LABEL_CONTAINER_NAME]: container.name },
            annotations: {
              'io.kubernetes.container.restartCount': String(attempt),
              'io.kubernetes.container.terminationMessagePath': '/dev/termination-log',
              'io.kubernetes.pod.terminationGracePeriod': String(pod.graceMs / 1000),
            },
            logPath: `${container.name}/${attempt}.log`,
          },
          sandboxConfig: this.sandboxConfig(pod, sandbox.attempt),
        },
        new Metadata(),
        deadline(),
        done,
      ),
    );
    await call((done) => this.client.startContainer({ containerId }, new Metadata(), deadline(), done));
  }

  async stopContainer(containerId: string, graceMs: number): Promise<void> {
    const timeout = BigInt(Math.ceil(graceMs / 1000));
    await call((done) =>
      this.client.stopContainer({ containerId, timeout }, new Metadata(), deadline(), done),
    );
  }

  async removeContainer(containerId: string): Promise<void> {
    await call((done) => this.client.removeContainer({ containerId }, new Metadata(), deadline(), done));
  }

  async stopSandbox(podSandboxId: string): Promise<void> {
    await call((done) => this.client.stopPodSandbox({ podSandboxId }, new Metadata(), deadline(), done));
  }

  async removeSandbox(podSandboxId: string): Promise<void> {
    await call((done) => this.client.removePodSandbox({ podSandboxId }, new Metadata(), deadline(), done));
  }

  /** The process of a running container, as containerd's verbose status says it; undefined where it says none. */
  async processOf(containerId: string): Promise<number | undefined> {
    const { info } = await call<{ info: Record<string, string> }>((done) =>
      this.client.containerStatus({ containerId, verbose: true }, new Metadata(), deadline(), done),
    );
    const { pid } = JSON.parse(info['info'] ?? '{}') as { pid?: number };
    return pid === 0 ? undefined : pid;
  }

  close(): void {
    this.client.close();
  }

  private sandboxConfig(pod: Pod, attempt: number): PodSandboxConfig {
    return {
      metadata: { name: pod.name, namespace: pod.namespace, uid: pod.uid, attempt },
      hostname: '',
      logDirectory: `${this.podLogDirectory}/${pod.namespace}_${pod.name}_${pod.uid}`,
      labels: { ...pod.labels, ...identityLabels(pod) },
      annotations: { ...pod.annotations },
      linux: {
        cgroupParent: `/kubepods/pod${pod.uid}`,
        securityContext: {
          namespaceOptions: {
            network: NamespaceMode.NODE,
            pid: NamespaceMode.CONTAINER,
            ipc: NamespaceMode.POD,
          },
        },
      },
    };
  }
}

export function uidOf(item: PodSandbox | Container): string {
  return item.labels[LABEL_POD_UID] ?? '';
}

export function isRunning(container: Container): boolean {
  return container.state === ContainerState.CONTAINER_RUNNING;
}

export function isReady(sandbox: PodSandbox): boolean {
  return sandbox.state === PodSandboxState.SANDBOX_READY;
}

/** On sandboxes and containers both; the pod's own labels are on the sandbox alone. */
function identityLabels(pod: Pod): Record<string, string> {
  return {
    [LABEL_POD_NAME]: pod.name,
    [LABEL_POD_NAMESPACE]: pod.namespace,
    [LABEL_POD_UID]: pod.uid,
  };
}

function mountsOf(
  pod: Pod,
  container: PodContainer,
): { containerPath: string; hostPath: string; readonly: boolean; selinuxRelabel: boolean }[] {
  return container.volumeMounts.flatMap(({ name, mountPath, readOnly }) => {
    const path = pod.volumes.find((volume) => volume.name === name)?.hostPath?.path;
    return path === undefined
      ? []
      : [{ containerPath: mountPath, hostPath: path, readonly: readOnly, selinuxRelabel: false }];
  });
}

function deadline(): { deadline: number } {
  return { deadline: Date.now() + CALL_TIMEOUT_MS };
}

function call<T = unknown>(
  send: (done: (error: ServiceError | null, response: T) => void) => unknown,
): Promise<T> {
  return new Promise((resolve, reject) => {
    send((error, response) => (error === null ? resolve(response) : reject(error)));
  });
}

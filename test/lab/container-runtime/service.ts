import { type handleUnaryCall, type ServiceError, type sendUnaryData, status } from '@grpc/grpc-js';
import {
  type Container,
  ContainerState,
  type ContainerStatus,
  type PodSandbox,
  PodSandboxState,
  type RuntimeServiceServer,
} from '@lockstep/shared/generated/cri/runtime/v1/api.ts';
import type { ContainerRecord, SandboxRecord } from './records.ts';
import { type Runtime, stateOf } from './runtime.ts';

const STATES = {
  created: ContainerState.CONTAINER_CREATED,
  running: ContainerState.CONTAINER_RUNNING,
  exited: ContainerState.CONTAINER_EXITED,
} as const;

const NANOSECONDS = 1_000_000n;

/** CRI's runtime service over the runtime; what CRI says of idempotence and filters holds here. */
export function runtimeService(runtime: Runtime): RuntimeServiceServer {
  return {
    version: unary(async () => ({
      version: '0.1.0',
      runtimeName: 'containerd',
      runtimeVersion: 'v2.1.0-lockstep-lab',
      runtimeApiVersion: 'v1',
    })),
    status: unary(async () => ({
      status: {
        conditions: ['RuntimeReady', 'NetworkReady'].map((type) => ({
          type,
          status: true,
          reason: '',
          message: '',
        })),
      },
      info: {},
    })),

    runPodSandbox: unary(async ({ config }) => {
      if (config?.metadata === undefined) throw invalid('sandbox config has no metadata');
      const { metadata, labels, annotations, logDirectory } = config;
      const { name, namespace, uid, attempt } = metadata;
      return {
        podSandboxId: await runtime.createSandbox({
          name,
          namespace,
          uid,
          attempt,
          labels,
          annotations,
          logDirectory,
        }),
      };
    }),
    stopPodSandbox: unary(async ({ podSandboxId }) => {
      await runtime.stopSandbox(podSandboxId);
      return {};
    }),
    removePodSandbox: unary(async ({ podSandboxId }) => {
      await runtime.removeSandbox(podSandboxId);
      return {};
    }),
    podSandboxStatus: unary(async ({ podSandboxId }) => {
      const sandbox = runtime.sandboxes.get(podSandboxId);
      if (sandbox === undefined) throw notFound('sandbox', podSandboxId);
      return { status: toSandbox(sandbox), info: {} };
    }),
    listPodSandbox: unary(async ({ filter }) => ({
      items: runtime.sandboxes
        .all()
        .filter(({ id }) => matchesId(id, filter?.id ?? ''))
        .map(toSandbox)
        .filter((sandbox) => filter?.state === undefined || sandbox.state === filter.state.state)
        .filter((sandbox) => hasLabels(sandbox.labels, filter?.labelSelector ?? {})),
    })),

    createContainer: unary(async ({ podSandboxId, config, sandboxConfig }) => {
      const sandbox = runtime.sandboxes.get(podSandboxId);
      if (sandbox === undefined) throw notFound('sandbox', podSandboxId);
      if (config?.metadata === undefined) throw invalid('container config has no metadata');
      const containerId = await runtime.createContainer({
        sandboxId: podSandboxId,
        name: config.metadata.name,
        attempt: config.metadata.attempt,
        image: config.image?.image ?? '',
        command: [...config.command, ...config.args],
        environment: Object.fromEntries(config.envs.map(({ key, value }) => [key, value])),
        mounts: config.mounts.map(({ containerPath, hostPath, readonly }) => ({
          containerPath,
          hostPath,
          readonly,
        })),
        labels: config.labels,
        annotations: config.annotations,
        logPath: `${sandboxConfig?.logDirectory || sandbox.logDirectory}/${config.logPath}`,
      });
      return { containerId };
    }),
    startContainer: unary(async ({ containerId }) => {
      await runtime.startContainer(containerId);
      return {};
    }),
    stopContainer: unary(async ({ containerId, timeout }) => {
      await runtime.stopContainer(containerId, Number(timeout) * 1000);
      return {};
    }),
    removeContainer: unary(async ({ containerId }) => {
      await runtime.removeContainer(containerId);
      return {};
    }),
    listContainers: unary(async ({ filter }) => ({
      containers: runtime.containers
        .all()
        .filter(({ id }) => matchesId(id, filter?.id ?? ''))
        .filter(({ sandboxId }) => matchesId(sandboxId, filter?.podSandboxId ?? ''))
        .map(toContainer)
        .filter((container) => filter?.state === undefined || container.state === filter.state.state)
        .filter((container) => hasLabels(container.labels, filter?.labelSelector ?? {})),
    })),
    containerStatus: unary(async ({ containerId, verbose }) => {
      const container = runtime.containers.get(containerId);
      if (container === undefined) throw notFound('container', containerId);
      return { status: toStatus(container), info: verbose ? verboseInfo(container) : {} };
    }),
  };
}

/** An async function as a gRPC handler. What it throws is UNKNOWN unless it says otherwise, as containerd's are. */
function unary<Request, Response>(
  act: (request: Request) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback: sendUnaryData<Response>) => {
    act(call.request).then(
      (response) => callback(null, response),
      (thrown: unknown) => {
        const message = thrown instanceof Error ? thrown.message : String(thrown);
        const code = (thrown as Partial<ServiceError>).code;
        callback({ code: typeof code === 'number' ? code : status.UNKNOWN, details: message });
      },
    );
  };
}

function notFound(kind: string, id: string): Error {
  return Object.assign(new Error(`an error occurred when try to find ${kind} "${id}": not found`), {
    code: status.NOT_FOUND,
  });
}

function invalid(message: string): Error {
  return Object.assign(new Error(message), { code: status.INVALID_ARGUMENT });
}

/** CRI lets an id be given by its beginning. */
function matchesId(id: string, wanted: string): boolean {
  return id.startsWith(wanted);
}

function hasLabels(
  labels: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

function toSandbox(sandbox: SandboxRecord): PodSandbox {
  const { id, name, namespace, uid, attempt, labels, annotations } = sandbox;
  return {
    id,
    metadata: { name, namespace, uid, attempt },
    state: sandbox.ready ? PodSandboxState.SANDBOX_READY : PodSandboxState.SANDBOX_NOTREADY,
    createdAt: nanoseconds(sandbox.createdAtMs),
    labels: { ...labels },
    annotations: { ...annotations },
    runtimeHandler: '',
  };
}

function toContainer(container: ContainerRecord): Container {
  const { id, sandboxId, name, attempt, image, labels, annotations } = container;
  return {
    id,
    podSandboxId: sandboxId,
    metadata: { name, attempt },
    image: { image, annotations: {}, userSpecifiedImage: image },
    imageRef: image,
    imageId: image,
    state: STATES[stateOf(container)],
    createdAt: nanoseconds(container.createdAtMs),
    labels: { ...labels },
    annotations: { ...annotations },
  };
}

function toStatus(container: ContainerRecord): ContainerStatus {
  const state = stateOf(container);
  const { podSandboxId: _, ...common } = toContainer(container);
  return {
    ...common,
    startedAt: nanoseconds(container.startedAtMs ?? 0),
    finishedAt: nanoseconds(state === 'exited' ? (container.finishedAtMs ?? Date.now()) : 0),
    exitCode: state === 'exited' ? (container.exitCode ?? 0) : 0,
    reason: state === 'exited' ? (container.exitCode === 0 ? 'Completed' : 'Error') : '',
    message: '',
    mounts: container.mounts.map((mount) => ({ ...mount, selinuxRelabel: false })),
    logPath: container.logPath,
  };
}

/** What containerd says to a verbose question, as far as anyone asks for it. */
function verboseInfo(container: ContainerRecord): Record<string, string> {
  const pid = stateOf(container) === 'running' ? (container.process?.pid ?? 0) : 0;
  return {
    info: JSON.stringify({
      sandboxID: container.sandboxId,
      pid,
      removing: false,
      runtimeType: 'io.containerd.runc.v2',
    }),
  };
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms)) * NANOSECONDS;
}

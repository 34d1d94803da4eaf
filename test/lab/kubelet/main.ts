import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createLogger } from '@lockstep/shared/logging.ts';
import { parse } from 'yaml';
import { timings } from '../timings.ts';
import { ApiClient, readKubeconfig } from './api-client.ts';
import { ApiSource } from './api-source.ts';
import { ContainerRuntime } from './container-runtime.ts';
import { FileSource } from './file-source.ts';
import { Kubelet, type Misbehaviour } from './kubelet.ts';
import { keepNodeStatus } from './node-status.ts';

/** A stand-in for kubelet, true to it in what it does with static pods, and when it refuses to. */
const WELL_BEHAVED: Misbehaviour = { eventDelayMs: 0, duplicates: false };

const { values } = parseArgs({
  options: {
    root: { type: 'string', default: '/' },
    config: { type: 'string', default: '/var/lib/kubelet/config.yaml' },
    kubeconfig: { type: 'string', default: '/etc/kubernetes/kubelet.conf' },
    'container-runtime-endpoint': { type: 'string', default: '/run/containerd/containerd.sock' },
    'hostname-override': { type: 'string', default: '' },
    'node-ip': { type: 'string', default: '' },
    misbehaviour: { type: 'string', default: '' },
  },
});
const { root, 'hostname-override': node, 'node-ip': address } = values;
const logger = createLogger('kubelet');
process.once('SIGTERM', () => process.exit(0));

await delay(timings.kubeletStartMs);
const { staticPodPath } = parse(readFileSync(join(root, values.config), 'utf8')) as { staticPodPath: string };
const runtime = new ContainerRuntime(
  join(root, values['container-runtime-endpoint'].replace(/^unix:\/\//, '')),
);
await runtimeReady();

const misbehaviour = (): Misbehaviour => {
  try {
    return {
      ...WELL_BEHAVED,
      ...(JSON.parse(readFileSync(values.misbehaviour, 'utf8')) as Partial<Misbehaviour>),
    };
  } catch {
    return WELL_BEHAVED;
  }
};
const client = new ApiClient(readKubeconfig(join(root, values.kubeconfig), root));
const onChange = (): void => kubelet.reconcile();
const apiSource = new ApiSource({ client, node, logger, onChange });
const fileSource = new FileSource({
  directory: join(root, staticPodPath),
  nodePath: staticPodPath,
  node,
  logger,
  onChange,
  eventDelayMs: () => misbehaviour().eventDelayMs,
});
const kubelet = new Kubelet({
  runtime,
  root,
  logger,
  desired: () => [...fileSource.pods(), ...apiSource.pods()],
  sourcesReady: () => apiSource.seen,
  misbehaviour,
});

await kubelet.start();
fileSource.start();
logger.info({ node, staticPodPath }, 'started');
void apiSource.run();
void keepNodeStatus({ client, node, address, logger, staticPods: () => fileSource.pods() });

/** As the real one: no pod is synced before the runtime answers. */
async function runtimeReady(): Promise<void> {
  for (;;) {
    try {
      await runtime.observe();
      return;
    } catch (error) {
      logger.warn({ error: String(error) }, 'container runtime is down');
      await delay(timings.kubeletApiRetryMs);
    }
  }
}

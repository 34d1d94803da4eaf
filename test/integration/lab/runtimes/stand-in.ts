import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackgroundProgram } from '../../../lab/background-program.ts';
import { ContainerRuntime } from '../../../lab/kubelet/container-runtime.ts';
import { programs } from '../../../lab/layout/paths.ts';
import { endLabProcesses, LAB_VARIABLE } from '../../../lab/processes.ts';
import { until } from '../../../lab/wait.ts';
import type { RuntimeUnderTest } from './runtime-under-test.ts';

const START_TIMEOUT_MS = 30_000;

export async function startStandIn(): Promise<RuntimeUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 'cri-'));
  const images = join(directory, 'images.json');
  await writeFile(images, JSON.stringify({ etcd: {}, kubeApiServer: ['/bin/false'] }));
  const id = randomBytes(8).toString('hex');
  const program = new BackgroundProgram({
    name: 'container-runtime',
    command: [process.execPath, programs.containerRuntime, '--root', directory, '--images', images],
    logFile: join(directory, 'log'),
    environment: { PATH: process.env['PATH'], [LAB_VARIABLE]: id },
  });
  const socket = join(directory, 'run/containerd/containerd.sock');
  await program.start();
  await untilAnswers(socket);
  return {
    socket,
    image: 'example.org/sleep:1',
    podLogDirectory: '/var/log/pods',
    async killAndRestart() {
      await program.kill();
      await program.start();
      await untilAnswers(socket);
    },
    async [Symbol.asyncDispose]() {
      await endLabProcesses(id);
      await rm(directory, { recursive: true });
    },
  };
}

export async function untilAnswers(socket: string): Promise<void> {
  const runtime = new ContainerRuntime(socket);
  const answers = (): Promise<boolean> =>
    runtime.observe().then(
      () => true,
      () => false,
    );
  await until(`${socket} answers`, answers, AbortSignal.timeout(START_TIMEOUT_MS));
  runtime.close();
}

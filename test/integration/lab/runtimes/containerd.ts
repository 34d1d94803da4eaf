import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackgroundProgram } from '../../../lab/background-program.ts';
import { ContainerRuntime } from '../../../lab/kubelet/container-runtime.ts';
import { endLabProcesses, LAB_VARIABLE } from '../../../lab/processes.ts';
import type { RuntimeUnderTest } from './runtime-under-test.ts';
import { buildSleepImage, SLEEP_IMAGE } from './sleep-image.ts';
import { untilAnswers } from './stand-in.ts';

/** Why a real containerd cannot run here; undefined where it can. */
export function whyNoContainerd(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  for (const program of ['containerd', 'containerd-shim-runc-v2', 'ctr', 'runc']) {
    try {
      execFileSync(program, ['--version'], { stdio: 'ignore' });
    } catch (error) {
      // The shim has no such flag: that it was there to say so is enough.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return `no ${program}`;
    }
  }
  return undefined;
}

/** A real containerd with its own root, state and socket; the machine's own is not touched. */
export async function startContainerd(): Promise<RuntimeUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 'cri-'));
  const socket = join(directory, 'containerd.sock');
  const config = join(directory, 'config.toml');
  await writeFile(config, containerdConfig(directory, socket));
  const id = randomBytes(8).toString('hex');
  const environment = { PATH: process.env['PATH'], [LAB_VARIABLE]: id };
  const program = new BackgroundProgram({
    name: 'containerd',
    command: ['containerd', '--config', config],
    logFile: join(directory, 'log'),
    environment,
  });
  await program.start();
  await untilAnswers(socket);
  await mkdir(join(directory, 'image'));
  const archive = await buildSleepImage(join(directory, 'image'));
  execFileSync('ctr', ['--address', socket, '--namespace', 'k8s.io', 'images', 'import', archive]);
  return {
    socket,
    image: SLEEP_IMAGE,
    podLogDirectory: join(directory, 'logs'),
    async killAndRestart() {
      await program.kill();
      await program.start();
      await untilAnswers(socket);
    },
    async [Symbol.asyncDispose]() {
      await removeAll(socket);
      await endLabProcesses(id);
      await rm(directory, { recursive: true });
    },
  };
}

/** Sandboxes hold mounts below the directory: they go first. */
async function removeAll(socket: string): Promise<void> {
  const runtime = new ContainerRuntime(socket);
  for (const { id } of (await runtime.observe()).sandboxes) {
    await runtime.stopSandbox(id);
    await runtime.removeSandbox(id);
  }
  runtime.close();
}

function containerdConfig(directory: string, socket: string): string {
  return `version = 2
root = "${directory}/root"
state = "${directory}/state"

[grpc]
  address = "${socket}"

[plugins."io.containerd.internal.v1.opt"]
  path = "${directory}/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${SLEEP_IMAGE}"
  disable_apparmor = true
  restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
`;
}

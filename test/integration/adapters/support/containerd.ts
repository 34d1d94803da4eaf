import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { ContainerRuntime } from '@lockstep/agent/adapters/cri.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';

const run = promisify(execFile);

const PROGRAMS = ['containerd', 'containerd-shim-runc-v2', 'ctr', 'runc'] as const;
const READY_MS = 30_000;
const TOOLS = resolve(import.meta.dirname, '../../../../.tools');

/** A directory with containerd, its shim, ctr and runc; undefined where there is none, or where nobody may use it. */
export async function locateContainerd(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const versions = await readdir(join(TOOLS, 'containerd')).catch(() => []);
  const candidates = [
    ...(process.env['LOCKSTEP_TOOLS'] === undefined ? [] : [process.env['LOCKSTEP_TOOLS']]),
    ...versions
      .toSorted((a, b) => a.localeCompare(b))
      .toReversed()
      .map((version) => join(TOOLS, 'containerd', version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
  for (const directory of candidates) {
    const missing = await Promise.all(
      PROGRAMS.map((program) =>
        access(join(directory, program), constants.X_OK).then(
          () => false,
          () => true,
        ),
      ),
    );
    if (!missing.includes(true)) return directory;
  }
  return undefined;
}

export interface RunningContainerd extends AsyncDisposable {
  readonly socket: string;
}

/** A containerd of its own: root, state and socket below `directory`; the machine's is not touched. */
export async function startContainerd(
  bin: string,
  directory: string,
  sandboxImage: string,
): Promise<RunningContainerd> {
  const socket = join(directory, 'containerd.sock');
  await mkdir(directory, { recursive: true });
  const config = `version = 2
root = "${directory}/root"
state = "${directory}/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${sandboxImage}"
enable_selinux = false
# Root in a container may lack the capability to lower it.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
`;
  await writeFile(join(directory, 'config.toml'), config);
  const child: ChildProcess = spawn(join(bin, 'containerd'), ['--config', join(directory, 'config.toml')], {
    stdio: 'ignore',
    env: { PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin` },
  });
  const runtime = new ContainerRuntime(socket);
  try {
    await waitFor(
      {
        describe: () => 'containerd answers',
        check: (signal) =>
          runtime.version(signal).then(
            () => true,
            () => false,
          ),
      },
      100,
      deadline(READY_MS),
    );
  } finally {
    runtime.close();
  }
  return {
    socket,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

/**
 * An image made by hand of a few programs with the libraries they are linked to. Its own entry
 * point sleeps, so that it can also be the one that holds a sandbox.
 */
export async function importImage(
  bin: string,
  socket: string,
  directory: string,
  image: string,
  programs: Readonly<Record<string, string>>,
): Promise<void> {
  const rootfs = join(directory, 'rootfs');
  for (const [name, source] of Object.entries({ '/bin/sleep': '/bin/sleep', ...programs })) {
    await mkdir(dirname(join(rootfs, name)), { recursive: true });
    await copyFile(source, join(rootfs, name));
    for (const library of await librariesOf(source)) {
      await mkdir(dirname(join(rootfs, library)), { recursive: true });
      await copyFile(library, join(rootfs, library));
    }
  }
  await mkdir(join(rootfs, 'tmp'), { recursive: true });
  const archive = join(directory, 'image');
  await mkdir(archive);
  await run('tar', ['-C', rootfs, '-cf', join(archive, 'layer.tar'), '.']);
  const { stdout } = await run('sha256sum', [join(archive, 'layer.tar')]);
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Entrypoint: ['/bin/sleep', 'infinity'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${stdout.slice(0, 64)}`] },
  });
  const configName = `${sha256Hex(config)}.json`;
  await writeFile(join(archive, configName), config);
  await writeFile(
    join(archive, 'manifest.json'),
    JSON.stringify([{ Config: configName, RepoTags: [image], Layers: ['layer.tar'] }]),
  );
  await run('tar', ['-C', archive, '-cf', join(directory, 'image.tar'), '.']);
  const ctr = ['--address', socket, '--namespace', 'k8s.io', 'images', 'import', '--snapshotter', 'native'];
  await run(join(bin, 'ctr'), [...ctr, join(directory, 'image.tar')]);
}

/** Absolute paths that the dynamic linker names; none for a static program. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await run('ldd', [program]).catch(() => ({ stdout: '' }));
  return [...stdout.matchAll(/(?<path>\/\S+) \(0x/gu)].flatMap(({ groups }) => groups?.['path'] ?? []);
}

import { access, chmod, copyFile, mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { run } from './commands.ts';
import type { DebianSource, PinnedTool } from './versions.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Unpacks a tool's programs from Debian's packages into `binDirectory`. Everything apt keeps is in
 * `scratch`: the machine's own lists, packages and services are neither read nor changed.
 */
export async function unpackFromDebian(
  tool: PinnedTool,
  source: DebianSource,
  scratch: string,
  binDirectory: string,
  signal: AbortSignal,
): Promise<void> {
  const apt = await preparePrivateApt(await debianArchive(signal), source.suite, scratch);
  await run('apt-get', [...apt, 'update', '--quiet'], {}, signal);
  const root = join(scratch, 'root');
  for (const name of source.packages) {
    const version = await findVersion(apt, name, tool.version, signal);
    await run('apt-get', [...apt, 'download', '--quiet', `${name}=${version}`], { cwd: scratch }, signal);
  }
  for (const name of source.libraries ?? []) {
    await run('apt-get', [...apt, 'download', '--quiet', name], { cwd: scratch }, signal);
  }
  for (const file of (await readdir(scratch)).filter((entry) => entry.endsWith('.deb'))) {
    await run('dpkg', ['-x', join(scratch, file), root], {}, signal);
  }
  for (const binary of tool.binaries) await copyProgram(root, binary, join(binDirectory, binary));
  if (source.libraries !== undefined) await keepLibraries(root, tool.binaries, binDirectory);
}

/** Lays the libraries beside the programs. What a program runs itself is not to find them. */
async function keepLibraries(root: string, binaries: readonly string[], binDirectory: string): Promise<void> {
  const lib = join(dirname(binDirectory), 'lib');
  await mkdir(lib);
  for (const path of await readdir(root, { recursive: true })) {
    if (/(?:^|\/)lib\/.*\.so\.[\d.]+$/.test(path))
      await copyFile(join(root, path), join(lib, basename(path)));
  }
  for (const binary of binaries) {
    const program = join(binDirectory, binary);
    await rename(program, join(lib, binary));
    await chmod(join(lib, binary), 0o755);
    await writeFile(
      program,
      `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec env LD_LIBRARY_PATH="$here/../lib" "$here/../lib/${binary}" -E LD_LIBRARY_PATH "$@"
`,
    );
  }
}

/**
 * The archive of Debian that this machine itself is set up to use; other suites lie beside its own.
 * Asked of the sources, not of the lists: a new machine has none.
 */
async function debianArchive(signal: AbortSignal): Promise<string> {
  const uris = await run('apt-get', ['update', '--print-uris'], {}, signal);
  const archive = /'(\w+:\/\/[^']*\/debian)\/+dists\//.exec(uris)?.[1];
  if (archive === undefined) throw new Error("this machine's apt has no archive of Debian");
  return archive;
}

/** apt's options for a world of its own: one source, no packages installed. */
async function preparePrivateApt(archive: string, suite: string, scratch: string): Promise<string[]> {
  await mkdir(join(scratch, 'lists/partial'), { recursive: true });
  await mkdir(join(scratch, 'cache/archives/partial'), { recursive: true });
  const sources = join(scratch, 'sources.list');
  await writeFile(sources, `deb [signed-by=${KEYRING}] ${archive} ${suite} main\n`);
  await writeFile(join(scratch, 'status'), '');
  const options = {
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(scratch, 'lists'),
    'Dir::State::status': join(scratch, 'status'),
    'Dir::Cache': join(scratch, 'cache'),
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
    'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled': 'false',
  };
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

async function findVersion(
  apt: readonly string[],
  name: string,
  upstream: string,
  signal: AbortSignal,
): Promise<string> {
  const offered = (await run('apt-cache', [...apt, 'madison', name], {}, signal))
    .split('\n')
    .map((line) => line.split('|')[1]?.trim() ?? '')
    .filter((version) => version !== '');
  const match = offered.find((version) => version.startsWith(`${upstream}-`));
  if (match === undefined)
    throw new Error(`Debian offers ${name} ${offered.join(', ') || '(none)'}, not ${upstream}`);
  return match;
}

async function copyProgram(root: string, name: string, target: string): Promise<void> {
  for (const directory of ['usr/bin', 'usr/sbin']) {
    const path = join(root, directory, name);
    const found = await access(path).then(
      () => true,
      () => false,
    );
    if (found) return copyFile(path, target);
  }
  throw new Error(`the packages hold no ${name}`);
}

import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { isExecutable } from '@lockstep/shared/executable.ts';

/** One installation of etcd; paths are absolute. */
export interface EtcdTools {
  /** `3.5.16` */
  readonly version: string;
  readonly etcd: string;
  readonly etcdctl: string;
  /** Equal to `etcdctl` for 3.4, which has no etcdutl. */
  readonly etcdutl: string;
}

export interface LabTools {
  readonly etcd: EtcdTools;
  readonly natsServer: string;
}

/** Where programs are looked for, best first. Defaults: LOCKSTEP_TOOLS, PATH, `.tools/`. */
export interface ToolPlaces {
  readonly toolRoots: readonly string[];
  readonly pathDirectories: readonly string[];
}

const CURE = 'Run `npm run tools`, or set LOCKSTEP_TOOLS to a directory that has it.';
const VERSION_TIMEOUT_MS = 10_000;

/** `.tools/` of this checkout. */
export const toolsDirectory: string = resolve(import.meta.dirname, '../../../.tools');

export function defaultPlaces(environment: NodeJS.ProcessEnv = process.env): ToolPlaces {
  const own = environment['LOCKSTEP_TOOLS'];
  return {
    toolRoots: own === undefined || own === '' ? [toolsDirectory] : [resolve(own), toolsDirectory],
    pathDirectories: (environment['PATH'] ?? '').split(delimiter).filter((entry) => entry !== ''),
  };
}

/**
 * The newest etcd found, or the newest of `etcdVersion` (`3.5` or `3.5.16`), and a nats-server.
 * Throws TOOL_MISSING.
 */
export async function locateTools(
  options: { readonly etcdVersion?: string; readonly places?: ToolPlaces } = {},
): Promise<LabTools> {
  const places = options.places ?? defaultPlaces();
  const [all, natsServer] = await Promise.all([locateAllEtcd(places), locateNatsServer(places)]);
  const wanted = options.etcdVersion;
  const etcd = all.find((tools) => wanted === undefined || matchesVersion(tools.version, wanted));
  if (etcd === undefined) {
    throw new LockstepError('TOOL_MISSING', {
      message: `no etcd${wanted === undefined ? '' : ` ${wanted}`} was found; found: ${all.map((tools) => tools.version).join(', ') || 'none'}. ${CURE}`,
    });
  }
  if (natsServer === undefined) {
    throw new LockstepError('TOOL_MISSING', { message: `no nats-server was found. ${CURE}` });
  }
  return { etcd, natsServer };
}

/** Every complete etcd found, newest first, one per version. */
export async function locateAllEtcd(places: ToolPlaces = defaultPlaces()): Promise<EtcdTools[]> {
  const found = new Map<string, EtcdTools>();
  for (const directory of await candidateDirectories('etcd', places)) {
    const tools = await readEtcd(directory);
    if (tools !== undefined && !found.has(tools.version)) found.set(tools.version, tools);
  }
  return [...found.values()].sort((a, b) => compareVersions(b.version, a.version));
}

export async function locateNatsServer(places: ToolPlaces = defaultPlaces()): Promise<string | undefined> {
  return locateProgram('nats-server', places);
}

/** Optional: undefined where this machine has none and none was fetched. */
export async function locateStrace(places: ToolPlaces = defaultPlaces()): Promise<string | undefined> {
  return locateProgram('strace', places);
}

/** The S3 server. Optional. */
export async function locateVersitygw(places: ToolPlaces = defaultPlaces()): Promise<string | undefined> {
  return locateProgram('versitygw', places);
}

/** Optional. */
export async function locateAge(places: ToolPlaces = defaultPlaces()): Promise<string | undefined> {
  return locateProgram('age', places);
}

/** By its name, wherever programs are looked for. */
export async function locateProgram(name: string, places: ToolPlaces): Promise<string | undefined> {
  for (const directory of await candidateDirectories(name, places)) {
    const path = join(directory, name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

/** Directories that may hold the program: flat and versioned layouts of each root, then PATH; own root first. */
async function candidateDirectories(name: string, places: ToolPlaces): Promise<string[]> {
  const directories: string[] = [];
  const [own, ...rest] = places.toolRoots;
  if (own !== undefined && rest.length > 0) directories.push(...(await layoutsOf(own, name)));
  directories.push(...places.pathDirectories);
  for (const root of rest.length > 0 ? rest : places.toolRoots)
    directories.push(...(await layoutsOf(root, name)));
  return directories;
}

async function layoutsOf(root: string, name: string): Promise<string[]> {
  const versions = await readdir(join(root, name)).catch(() => []);
  const versioned = versions
    .filter((entry) => /^\d+(?:\.\d+)+$/.test(entry))
    .sort((a, b) => compareVersions(b, a));
  return [root, join(root, 'bin'), ...versioned.map((version) => join(root, name, version, 'bin'))];
}

async function readEtcd(directory: string): Promise<EtcdTools | undefined> {
  const etcd = join(directory, 'etcd');
  const etcdctl = join(directory, 'etcdctl');
  if (!(await isExecutable(etcd)) || !(await isExecutable(etcdctl))) return undefined;
  const version = await etcdVersionOf(directory);
  if (version === undefined) return undefined;
  const etcdutl = version.startsWith('3.4.') ? etcdctl : join(directory, 'etcdutl');
  if (!(await isExecutable(etcdutl))) return undefined;
  return { version, etcd, etcdctl, etcdutl };
}

/** A versioned directory is ours and says its version; any other program is asked. */
async function etcdVersionOf(directory: string): Promise<string | undefined> {
  const named = dirname(directory).split('/').at(-1) ?? '';
  if (isVersion(named)) return named;
  const { stdout } = await promisify(execFile)(join(directory, 'etcd'), ['--version'], {
    timeout: VERSION_TIMEOUT_MS,
  }).catch(() => ({ stdout: '' }));
  return /etcd Version: (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
}

export function isVersion(text: string): boolean {
  return /^\d+\.\d+\.\d+$/.test(text);
}

/** Numeric order of dotted versions. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** True where `version` is `wanted` or a later part of it: `3.5.16` is of `3.5`. */
export function matchesVersion(version: string, wanted: string): boolean {
  return version === wanted || version.startsWith(`${wanted}.`);
}

import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { isRunnable, run } from './commands.ts';
import { unpackFromDebian } from './debian.ts';
import { buildWithGo } from './golang.ts';
import {
  compareVersions,
  defaultPlaces,
  locateAllEtcd,
  locateNatsServer,
  locateProgram,
  type ToolPlaces,
  toolsDirectory,
} from './locate.ts';
import {
  defaultEtcd,
  everyEtcd,
  kubeApiserver,
  natsServer,
  optionalTools,
  type PinnedTool,
  storeTools,
} from './versions.ts';

export interface FetchOptions {
  /** One of each supported etcd minor instead of the default one alone. */
  readonly all: boolean;
  /** An S3 server, another age and K3s' kine, for the tests of stores. */
  readonly stores?: boolean;
  /** A kube-apiserver, for the tests of sandboxes. */
  readonly apiserver?: boolean;
  readonly directory?: string;
  readonly places?: ToolPlaces;
  /** One line for each step. */
  readonly say: (line: string) => void;
}

/** The oldest etcd that can bump a revision; an older one alone does not do as the default. */
const OLDEST_DEFAULT = '3.5.10';

/**
 * Puts what is missing into `.tools/`. Safe to repeat and to interrupt: a tool appears whole or not
 * at all. Throws TOOL_MISSING with what to do by hand, after having tried every tool.
 */
export async function fetchTools(options: FetchOptions, signal: AbortSignal): Promise<void> {
  const places = options.places ?? defaultPlaces();
  const missing = await missingTools(options.all, places, options.say);
  const failures: string[] = [];
  for (const tool of missing) {
    try {
      await fetchTool(tool, options, signal);
    } catch (cause) {
      signal.throwIfAborted();
      failures.push(cause instanceof Error ? cause.message : String(cause));
    }
  }
  await fetchOptional(places, options, signal);
  if (failures.length > 0) throw new LockstepError('TOOL_MISSING', { message: failures.join('\n') });
}

/** What tests can do without, by name: that it cannot be had is said and no failure. */
async function fetchOptional(places: ToolPlaces, options: FetchOptions, signal: AbortSignal): Promise<void> {
  const wanted = [
    ...optionalTools,
    ...(options.all || options.stores === true ? storeTools : []),
    ...(options.apiserver === true ? [kubeApiserver] : []),
  ];
  for (const tool of wanted) {
    const found = await locateProgram(tool.name, places);
    if (found !== undefined) {
      options.say(`${tool.name}: found, ${found}`);
      continue;
    }
    try {
      await fetchTool(tool, options, signal);
    } catch {
      signal.throwIfAborted();
      options.say(
        `${tool.name}: not to be had, and optional: the tests that need it are skipped. By hand: ${tool.byHand}.`,
      );
    }
  }
}

async function missingTools(
  all: boolean,
  places: ToolPlaces,
  say: (line: string) => void,
): Promise<PinnedTool[]> {
  const found = await locateAllEtcd(places);
  const minorOf = (version: string): string => version.split('.').slice(0, 2).join('.');
  const missing = all
    ? everyEtcd.filter((tool) => !found.some(({ version }) => minorOf(version) === minorOf(tool.version)))
    : found.some(({ version }) => compareVersions(version, OLDEST_DEFAULT) >= 0)
      ? []
      : [defaultEtcd];
  for (const tools of found) say(`etcd ${tools.version}: found, ${tools.etcd}`);
  const nats = await locateNatsServer(places);
  if (nats === undefined) return [...missing, natsServer];
  say(`nats-server: found, ${nats}`);
  return missing;
}

async function fetchTool(tool: PinnedTool, options: FetchOptions, signal: AbortSignal): Promise<void> {
  const name = `${tool.name} ${tool.version}`;
  const reasons: string[] = [];
  for (const way of await waysOf(tool, signal)) {
    options.say(`${name}: ${way.description}`);
    try {
      const home = await install(tool, options.directory ?? toolsDirectory, way, signal);
      options.say(`${name}: ready in ${home}`);
      return;
    } catch (cause) {
      signal.throwIfAborted();
      const reason = cause instanceof Error ? cause.message : String(cause);
      options.say(`${name}: did not work: ${reason.split('\n')[0]}`);
      reasons.push(reason);
    }
  }
  const why = reasons.length === 0 ? 'neither apt-get nor a fitting Go is at hand' : reasons.join('; ');
  throw new Error(`${name} could not be had (${why}). By hand: ${tool.byHand}.`);
}

interface Way {
  readonly description: string;
  readonly into: (scratch: string, binDirectory: string, signal: AbortSignal) => Promise<void>;
}

/** The ways that this machine offers, quickest first. */
async function waysOf(tool: PinnedTool, signal: AbortSignal): Promise<Way[]> {
  const ways: Way[] = [];
  const { debian, go } = tool;
  if (debian !== undefined && (await isRunnable('apt-get', ['--version'], signal))) {
    ways.push({
      description: `unpacking ${debian.packages.join(', ')} of Debian ${debian.suite} through a private apt directory`,
      into: (scratch, bin, signal) => unpackFromDebian(tool, debian, scratch, bin, signal),
    });
  }
  if (go !== undefined && (await isRunnable('go', ['version'], signal))) {
    ways.push({
      description: `building ${go.modules.map(({ module }) => module).join(', ')} with Go; this takes minutes`,
      into: (scratch, bin, signal) => buildWithGo(tool, go, scratch, bin, signal),
    });
  }
  return ways;
}

/** Prepared beside its place and renamed into it, so that a half of it is never found. */
async function install(tool: PinnedTool, directory: string, way: Way, signal: AbortSignal): Promise<string> {
  const parent = join(directory, tool.name);
  const home = join(parent, tool.version);
  await mkdir(parent, { recursive: true });
  const scratch = await mkdtemp(join(parent, '.fetch-'));
  try {
    const fresh = join(scratch, 'home');
    const binDirectory = join(fresh, 'bin');
    await mkdir(binDirectory, { recursive: true });
    await way.into(scratch, binDirectory, signal);
    for (const binary of tool.binaries) {
      await chmod(join(binDirectory, binary), 0o755);
      await run(
        join(binDirectory, binary),
        [tool.name === 'etcd' && binary !== 'etcd' ? 'version' : '--version'],
        {},
        signal,
      );
    }
    await rm(home, { recursive: true, force: true });
    await rename(fresh, home);
    return home;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

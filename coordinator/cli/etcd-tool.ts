import { execFile } from 'node:child_process';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { isExecutable } from '@lockstep/shared/executable.ts';

const execute = promisify(execFile);

/** etcdctl restores up to 3.5, etcdutl from 3.5 on. */
const NAMES = ['etcdutl', 'etcdctl'] as const;
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
const LAST_WORDS_CHARACTERS = 2_000;

export interface EtcdTool {
  readonly path: string;
  /** "3.5.16" */
  readonly version: string;
}

/**
 * The tool on this machine that restores a store of `version`: the named one, whatever its version,
 * else the first in PATH of that minor version. Throws TOOL_MISSING, TOOL_MISMATCH.
 */
export async function findRestoreTool(
  wanted: { readonly named: string | undefined; readonly searchPath: string; readonly version: string },
  signal: AbortSignal,
): Promise<EtcdTool> {
  if (wanted.named !== undefined) {
    const path = resolve(wanted.named);
    const version = (await isExecutable(path)) ? await versionOf(path, signal) : '';
    if (version !== '') return { path, version };
    throw new LockstepError('TOOL_MISSING', { message: `${path} is no etcdutl that can be run.` });
  }
  const minor = minorOf(wanted.version);
  const others: string[] = [];
  for (const name of NAMES) {
    for (const directory of wanted.searchPath.split(delimiter).filter(isAbsolute)) {
      const path = join(directory, name);
      if (!(await isExecutable(path))) continue;
      const version = await versionOf(path, signal);
      if (canRestore(name, version) && (minor === '' || minorOf(version) === minor)) return { path, version };
      others.push(`${path} is of ${version || 'no known version'}`);
    }
  }
  if (others.length === 0) {
    throw new LockstepError('TOOL_MISSING', {
      message: 'There is no etcdutl in PATH; name one with --etcdutl.',
    });
  }
  throw new LockstepError('TOOL_MISMATCH', {
    message: `The store is of etcd ${minor}, and ${others.join(', ')}; name one of ${minor} with --etcdutl.`,
  });
}

/** Runs it directly, without a shell. Throws BUILD_FAILED with its own last words. */
export async function runTool(
  { path, version }: EtcdTool,
  args: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  try {
    await execute(path, [...args], { signal, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES });
  } catch (cause) {
    signal.throwIfAborted();
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause);
    throw new LockstepError('BUILD_FAILED', {
      message: `${path} (${version}) could not restore the snapshot: ${said.slice(-LAST_WORDS_CHARACTERS)}`,
      cause,
    });
  }
}

export function minorOf(version: string): string {
  return /^v?(?<minor>\d+\.\d+)/u.exec(version)?.groups?.['minor'] ?? '';
}

function canRestore(name: (typeof NAMES)[number], version: string): boolean {
  const minor = Number(/^3\.(?<minor>\d+)/u.exec(version)?.groups?.['minor'] ?? Number.NaN);
  return name === 'etcdutl' ? minor >= 5 : minor <= 5;
}

async function versionOf(path: string, signal: AbortSignal): Promise<string> {
  const { stdout } = await execute(path, ['version'], { signal, env: { LC_ALL: 'C' } }).catch(() => ({
    stdout: '',
  }));
  signal.throwIfAborted();
  return /^etcd(?:utl|ctl) version: (?<version>\S+)/mu.exec(stdout)?.groups?.['version'] ?? '';
}

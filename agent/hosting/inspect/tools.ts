import { stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { isExecutable } from '@lockstep/shared/executable.ts';
import type { ToolReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';

import { HostRoot } from '../../adapters/host-root.ts';
import { runProgram } from '../../adapters/run-program.ts';
import { sha256OfFile } from '../../adapters/store-builder.ts';

const NAMES = ['etcdutl', 'etcdctl'] as const;
type ToolName = (typeof NAMES)[number];

/** Where etcd's own image keeps them. */
const IN_IMAGE = '/usr/local/bin';

export interface ToolPlaces {
  /** Real paths. */
  readonly configured: Readonly<Partial<Record<ToolName, string | undefined>>>;
  /** PATH as the agent was given it. */
  readonly searchPath: string;
  /** The running etcd's own root; undefined where none runs. */
  readonly etcdRoot: string | undefined;
}

/**
 * etcd's tools in order of trial: as configured, in PATH, and last in the running etcd's own root,
 * whose minor is right by itself. Digests and versions are kept as long as a file stays the same.
 */
export class ToolFinder {
  readonly #known = new Map<string, { sha256: string; version: string }>();

  async find(places: ToolPlaces, signal: AbortSignal): Promise<ToolReport[]> {
    const reports: ToolReport[] = [];
    for (const name of NAMES) {
      const configured = places.configured[name];
      const candidates = [
        ...(configured === undefined ? [] : [{ source: 'configured', path: configured }]),
        ...directoriesOf(places.searchPath).map((path) => ({ source: 'path', path: join(path, name) })),
        ...inEtcdRoot(places.etcdRoot, name),
      ];
      const seen = new Set<string>();
      for (const { source, path } of candidates) {
        // Only the first in PATH is the one that PATH means.
        if (source === 'path' && seen.has('path')) continue;
        if (!(await isExecutable(path))) continue;
        // By inode: /proc/PID/root reads as a link to "/", so a path through it resolves to nowhere.
        const { dev, ino } = await stat(path);
        if (seen.has(`${dev}:${ino}`)) continue;
        seen.add(`${dev}:${ino}`).add(source);
        reports.push({ name, path, source, ...(await this.#describe(path, signal)) });
      }
    }
    return reports;
  }

  async #describe(path: string, signal: AbortSignal): Promise<{ sha256: string; version: string }> {
    const { dev, ino, size, mtimeMs } = await stat(path);
    const key = `${path} ${dev}:${ino} ${size} ${mtimeMs}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const [sha256, output] = await Promise.all([
      sha256OfFile(path, signal),
      runProgram(path, ['version'], signal),
    ]);
    const described = { sha256, version: parseToolVersion(output) };
    this.#known.set(key, described);
    return described;
  }
}

/** "etcdutl version: 3.5.16" -> "3.5.16"; empty where it says nothing of the kind. */
export function parseToolVersion(output: string): string {
  return /^etcd(?:utl|ctl) version: (?<version>\S+)/mu.exec(output)?.groups?.['version'] ?? '';
}

function directoriesOf(searchPath: string): string[] {
  return searchPath.split(delimiter).filter(isAbsolute);
}

/** A link in a container's root leads to a place in that root, not in ours. */
function inEtcdRoot(root: string | undefined, name: string): { source: string; path: string }[] {
  if (root === undefined) return [];
  const inside = new HostRoot(root, [{ path: '/usr', access: 'read' }]);
  try {
    return [{ source: 'etcd-root', path: inside.resolve(join(IN_IMAGE, name), 'read') }];
  } catch {
    return [];
  }
}

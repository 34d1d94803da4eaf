import { lstatSync, readlinkSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

/** What may be done below a prefix. Whoever may write may read. */
export type Access = 'read' | 'write';

export interface AllowedPrefix {
  /** Host path. */
  readonly path: string;
  readonly access: Access;
}

/** As many links as the kernel follows in one path. */
const MAX_LINKS = 40;

/** Never a store, never writable, whatever a manifest says. */
const SYSTEM_DIRECTORIES = ['/', '/bin', '/boot', '/dev', '/etc', '/lib', '/lib64', '/proc', '/run', '/sbin'];
const SYSTEM_TREES = ['/boot', '/dev', '/proc', '/sys', '/usr'];

/**
 * The wall around every path that comes from a manifest, a plan or a configuration. A host path
 * becomes a path of this process only if it lies, after every symbolic link is resolved inside the
 * host root as a chroot would, below a prefix that is allowed.
 */
export class HostRoot {
  readonly #root: string;
  readonly #fixed: readonly AllowedPrefix[];
  readonly #discover: () => readonly AllowedPrefix[];
  #learnt: readonly AllowedPrefix[] = [];

  /**
   * `discover` names prefixes that only the node itself knows (where its manifests put the store
   * and the keys); it is asked when what is known does not allow a path.
   */
  constructor(
    root: string,
    fixed: readonly AllowedPrefix[],
    discover: () => readonly AllowedPrefix[] = () => [],
  ) {
    if (!isAbsolute(root)) throw notAllowed(root, 'the host root is not absolute');
    this.#root = root === '/' ? '' : root.replace(/\/+$/, '');
    this.#fixed = fixed;
    this.#discover = discover;
  }

  /** The path in this process's file system. Throws PATH_NOT_ALLOWED. What it names need not exist. */
  resolve(hostPath: string, access: Access): string {
    const resolved = this.#follow(hostPath);
    const permits = (prefix: AllowedPrefix): boolean =>
      (access === 'read' || prefix.access === 'write') &&
      !(prefix.access === 'write' && isSystemPath(prefix.path)) &&
      isWithin(this.#follow(prefix.path), resolved);
    if (!this.#fixed.some(permits) && !this.#learnt.some(permits) && !this.#learn().some(permits)) {
      const via = resolved === hostPath ? '' : ` (by symbolic links: ${resolved})`;
      throw notAllowed(hostPath, `it is outside what the agent may ${access}${via}`);
    }
    return this.#root + resolved;
  }

  /** What was once learnt stays: the manifest that named the store is moved away during a restore. */
  #learn(): readonly AllowedPrefix[] {
    const fresh = this.#discover().filter(
      ({ path, access }) => !this.#learnt.some((known) => known.path === path && known.access === access),
    );
    this.#learnt = [...this.#learnt, ...fresh];
    return fresh;
  }

  /** The host path with no symbolic link left in it; what does not exist stays as it was written. */
  #follow(hostPath: string): string {
    if (!isAbsolute(hostPath)) throw notAllowed(hostPath, 'it is not absolute');
    if (hostPath.includes('\0')) throw notAllowed('(a path with a zero byte)', 'no such path can exist');
    const pending = hostPath.split('/');
    // A link may climb, as a chroot lets it; whoever names a path may not.
    if (pending.includes('..')) throw notAllowed(hostPath, 'it climbs with ".."');

    let done: string[] = [];
    let links = 0;
    while (pending.length > 0) {
      const part = pending.shift();
      if (part === undefined || part === '' || part === '.') continue;
      if (part === '..') {
        done.pop();
        continue;
      }
      const target = this.#linkTarget(`/${[...done, part].join('/')}`);
      if (target === undefined) {
        done.push(part);
        continue;
      }
      links += 1;
      if (links > MAX_LINKS) throw notAllowed(hostPath, 'it has too many symbolic links');
      if (isAbsolute(target)) done = [];
      pending.unshift(...target.split('/'));
    }
    return `/${done.join('/')}`;
  }

  #linkTarget(path: string): string | undefined {
    const real = this.#root + path;
    const found = lstatSync(real, { throwIfNoEntry: false });
    return found?.isSymbolicLink() === true ? readlinkSync(real) : undefined;
  }
}

/** Component by component: "/var/lib/etcd" holds "/var/lib/etcd/member", not "/var/lib/etcd2". */
export function isWithin(prefix: string, path: string): boolean {
  const base = prefix.replace(/\/+$/, '');
  return path === prefix || path === base || path.startsWith(`${base}/`);
}

/** True for paths that no manifest can make a store. */
export function isSystemPath(path: string): boolean {
  const clean = join('/', path).replace(/(?<=.)\/+$/, '');
  return SYSTEM_DIRECTORIES.includes(clean) || SYSTEM_TREES.some((tree) => isWithin(tree, clean));
}

function notAllowed(path: string, why: string): LockstepError {
  return new LockstepError('PATH_NOT_ALLOWED', { message: `'${path}' is not allowed: ${why}.` });
}

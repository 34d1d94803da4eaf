import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Every path under a directory with what must not change unseen: inode, type and mode, owner,
 * and, where `content` says so, times and digest. A running etcd writes its own files all the
 * time, so that only inode, owner and mode of those can be held.
 */
export interface TreeOptions {
  /** Paths (relative to the root) that are left out with everything below. */
  readonly without?: readonly string[];
  /** Paths whose content and times a running process changes by itself. */
  readonly living?: readonly string[];
}

export type Tree = Readonly<Record<string, string>>;

function within(path: string, prefixes: readonly string[] = []): boolean {
  return prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
}

export function readTree(root: string, options: TreeOptions = {}): Tree {
  const entries: [string, string][] = [];
  const visit = (path: string): void => {
    if (within(path, options.without)) return;
    const stat = lstatSync(join(root, path), { bigint: true });
    const fields = [`${stat.dev}:${stat.ino}`, stat.mode.toString(8), `${stat.uid}:${stat.gid}`];
    if (!within(path, options.living)) {
      fields.push(String(stat.mtimeNs));
      if (stat.isFile())
        fields.push(
          createHash('sha256')
            .update(readFileSync(join(root, path)))
            .digest('hex'),
        );
      if (stat.isSymbolicLink()) fields.push(readlinkSync(join(root, path)));
    }
    entries.push([path, fields.join(' ')]);
    if (stat.isDirectory())
      for (const name of readdirSync(join(root, path)).sort()) visit(path === '.' ? name : join(path, name));
  };
  visit('.');
  return Object.fromEntries(entries);
}

/** What a restore must leave as it was on a node until downtime begins. */
export function readControlPlane(nodeRoot: string): Record<'kubernetes' | 'units' | 'store', Tree> {
  return {
    kubernetes: readTree(join(nodeRoot, 'etc/kubernetes')),
    units: readTree(join(nodeRoot, 'etc/systemd')),
    store: readTree(join(nodeRoot, 'var/lib/etcd'), { living: ['.', 'member', 'member/snap', 'member/wal'] }),
  };
}

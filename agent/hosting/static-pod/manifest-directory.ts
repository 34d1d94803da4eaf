import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { sha256Hex } from '@lockstep/shared/digest.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { ManifestReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';

import { errorCodeOf } from '../../adapters/host-files.ts';
import type { AllowedPrefix, HostRoot } from '../../adapters/host-root.ts';
import type { Component } from '../../ports.ts';
import { readEtcdSettings } from '../etcd-settings.ts';
import { type ManifestContainer, type PodManifest, parseManifest } from './manifest.ts';

/** kubelet reads no file whose name begins with a dot, and any other, whatever its suffix. */
const isManifestName = (name: string): boolean => !name.startsWith('.');

/** More than any manifest is long; a file beyond it is reported as unparsable. */
const MAX_MANIFEST_BYTES = 1024 * 1024;
/** Manifests whose meaning is kept: of the control plane's four, live and parked, several times over. */
const MAX_PARSED = 16;

export interface FoundManifest {
  readonly fileName: string;
  /** Host path. */
  readonly path: string;
  /** Undefined where kubelet would not take it for a pod. */
  readonly manifest: PodManifest | undefined;
  readonly report: ManifestReport;
}

/**
 * kubelet's manifest directory, and the place beside it where a restore parks what it takes out.
 * Read synchronously: these are a handful of small files, and the host root's wall asks as well.
 */
export class ManifestDirectory {
  readonly staticPodPath: string;
  readonly #root: HostRoot;
  /** By the digest of the text: the files are read each time, but what a text says does not change. */
  readonly #parsed = new Map<string, PodManifest | undefined>();

  constructor(root: HostRoot, staticPodPath: string) {
    this.#root = root;
    this.staticPodPath = staticPodPath;
  }

  /** Beside the directory, on its filesystem, never inside it: kubelet runs whatever lies there. */
  get parkingPath(): string {
    return join(dirname(this.staticPodPath), 'lockstep');
  }

  live(): FoundManifest[] {
    return this.#read(this.staticPodPath);
  }

  /** Manifests of any operation that were taken out and not put back. */
  parked(): FoundManifest[] {
    return this.#names(this.parkingPath).flatMap((operation) =>
      this.#read(join(this.parkingPath, operation)),
    );
  }

  /** The component's container, wherever its manifest lies now. A live one counts before a parked one. */
  container(component: Component): ManifestContainer | undefined {
    const is = (found: FoundManifest): boolean => found.manifest?.component === component;
    return (this.live().find(is) ?? this.parked().find(is))?.manifest?.main;
  }

  #read(directory: string): FoundManifest[] {
    return this.#names(directory)
      .filter(isManifestName)
      .flatMap((fileName) => this.#readOne(join(directory, fileName), fileName) ?? []);
  }

  #readOne(path: string, fileName: string): FoundManifest | undefined {
    const real = this.#root.resolve(path, 'read');
    const stats = statSync(real, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined || stats.isDirectory()) return undefined;
    const text = stats.size > MAX_MANIFEST_BYTES ? '' : readFileSync(real, 'utf8');
    const sha256 = sha256Hex(text);
    const manifest = this.#parse(text, sha256);
    return {
      fileName,
      path,
      manifest,
      report: {
        fileName,
        sha256,
        inode: { device: stats.dev, number: stats.ino },
        uid: Number(stats.uid),
        gid: Number(stats.gid),
        mode: Number(stats.mode & 0o7777n),
        modifiedMs: stats.mtimeMs,
        component: manifest?.component ?? '',
        pod: manifest?.pod ?? '',
        parsable: manifest !== undefined,
        runsEtcd: manifest?.runsEtcd ?? false,
      },
    };
  }

  #parse(text: string, sha256: string): PodManifest | undefined {
    if (this.#parsed.has(sha256)) return this.#parsed.get(sha256);
    if (this.#parsed.size >= MAX_PARSED) this.#parsed.clear();
    const manifest = parseManifest(text);
    this.#parsed.set(sha256, manifest);
    return manifest;
  }

  #names(directory: string): string[] {
    try {
      return readdirSync(this.#root.resolve(directory, 'read')).sort();
    } catch (thrown) {
      if (errorCodeOf(thrown) === 'ENOENT' || errorCodeOf(thrown) === 'ENOTDIR') return [];
      throw thrown;
    }
  }
}

/**
 * What this node's manifests let the agent touch: etcd's data directory and the place beside it
 * for the other store, and, for reading, what the control plane's containers mount.
 */
export function declaredPrefixes(directory: ManifestDirectory): AllowedPrefix[] {
  const prefixes: AllowedPrefix[] = [];
  for (const { manifest } of [...directory.live(), ...directory.parked()]) {
    if (manifest?.main === undefined) continue;
    for (const { hostPath } of manifest.main.mounts) prefixes.push({ path: hostPath, access: 'read' });
    if (manifest.component !== 'etcd') continue;
    const { dataDir, unknowable } = readEtcdSettings(manifest.main);
    if (unknowable !== '') continue;
    prefixes.push({ path: dataDir, access: 'write' });
    prefixes.push({ path: join(dirname(dataDir), '.lockstep'), access: 'write' });
  }
  return prefixes;
}

/** The file of a planned component; MANIFEST_MISSING where the plan has none. */
export function plannedFileName(manifests: readonly ManifestReport[], component: Component): string {
  const planned = manifests.find((manifest) => manifest.component === component);
  if (planned !== undefined) return planned.fileName;
  throw new LockstepError('MANIFEST_MISSING', { message: `The plan names no manifest of ${component}.` });
}

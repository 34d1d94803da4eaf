import type { Component } from '@lockstep/agent/ports.ts';
import type { Random } from './random.ts';

/** A name on a disk: what bears it now, and what would after power loss. 0: nothing. */
export interface DiskName {
  volatile: number;
  durable: number;
}

/** Directories whose entries matter, as bits: one change may concern two of them. */
export const DIRECTORY = {
  manifests: 1,
  kubernetes: 2,
  parked: 4,
  varLib: 8,
  lockstep: 16,
  staging: 32,
  state: 64,
  unit: 128,
  snapshots: 256,
  operation: 512,
} as const;

interface Change {
  readonly name: DiskName;
  readonly to: number;
}

interface Pending {
  readonly changes: readonly Change[];
  readonly directories: number;
}

/**
 * The names on one node's disk. A change is one system call: it takes effect at once for whoever
 * looks, and becomes durable with the next sync of a directory that it concerns, or by itself
 * before. Within a directory changes become durable in order; between directories in any.
 */
export class Disk {
  readonly live: Record<Component, DiskName> = components();
  readonly parked: Record<Component, DiskName> = components();
  readonly parkedDir = name();
  readonly inPlace = name();
  readonly stagingDir = name();
  readonly other = name();
  /** The file beside NEW that names OLD's inodes. */
  readonly keep = name();
  readonly hold = name();
  readonly dropIn = name();
  /** 1 whole, 2 gone bad. */
  readonly snapshot = name();
  readonly snapshotPart = name();
  readonly operationDir = name();
  readonly planFile = name();
  readonly undoFile = name();
  #pending: Pending[] = [];

  /** Whether anything is only in memory. */
  get isDirty(): boolean {
    return this.#pending.length > 0;
  }

  change(directories: number, ...changes: readonly [DiskName, number][]): void {
    for (const [changed, to] of changes) changed.volatile = to;
    this.#pending.push({ changes: changes.map(([changed, to]) => ({ name: changed, to })), directories });
  }

  /** What concerns this directory is durable, and with it all that came before in any it concerns. */
  sync(directory: number): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    let concerned = directory;
    const kept: Pending[] = [];
    const durable: Pending[] = [];
    for (let at = pending.length - 1; at >= 0; at -= 1) {
      const one = pending[at] as Pending;
      if ((one.directories & concerned) === 0) kept.push(one);
      else {
        concerned |= one.directories;
        durable.push(one);
      }
    }
    for (let at = durable.length - 1; at >= 0; at -= 1) settle(durable[at] as Pending);
    this.#pending = kept.reverse();
  }

  /** Of what was not synced, some has become durable by itself, in the order of each directory. */
  losePower(random: Random): void {
    let lost = 0;
    for (const one of this.#pending) {
      if ((one.directories & lost) === 0 && random.chance(0.5)) settle(one);
      else lost |= one.directories;
    }
    this.#pending = [];
    for (const each of this.#names()) each.volatile = each.durable;
    // A directory that never got its name takes along what lies in it.
    if (this.parkedDir.durable === 0) for (const each of Object.values(this.parked)) clear(each);
    if (this.stagingDir.durable === 0) for (const each of [this.other, this.keep]) clear(each);
    if (this.operationDir.durable === 0) for (const each of [this.planFile, this.undoFile]) clear(each);
  }

  *#names(): Iterable<DiskName> {
    yield* Object.values(this.live);
    yield* Object.values(this.parked);
    yield* [this.parkedDir, this.inPlace, this.stagingDir, this.other, this.keep, this.hold, this.dropIn];
    yield* [this.snapshot, this.snapshotPart, this.operationDir, this.planFile, this.undoFile];
  }
}

function settle({ changes }: Pending): void {
  for (const { name: changed, to } of changes) changed.durable = to;
}

function clear(each: DiskName): void {
  each.volatile = 0;
  each.durable = 0;
}

function name(): DiskName {
  return { volatile: 0, durable: 0 };
}

function components(): Record<Component, DiskName> {
  return {
    etcd: name(),
    'kube-apiserver': name(),
    'kube-controller-manager': name(),
    'kube-scheduler': name(),
  };
}

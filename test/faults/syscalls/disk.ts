import { posix } from 'node:path';
import type { Action, Edge } from './trace.ts';

/** Something that a loss of power would take away, or bring back. */
interface Loose {
  readonly line: number;
  readonly words: string;
  /** Its call has ended: a sync that begins from now on holds it. */
  settled: boolean;
}

/**
 * What a loss of power would leave at any moment of a trace, told pessimistically: bytes and
 * metadata of a file last only once that file was synced, a name only once its directory was, and a
 * sync holds only what was done before it began.
 */
export class Disk {
  /** By file. */
  readonly #bytes = new Map<string, Loose[]>();
  /** By directory. */
  readonly #names = new Map<string, Loose[]>();
  readonly #existing: Set<string>;
  /** What the syncs in flight will have held when they end, by call. */
  readonly #syncing = new Map<number, { path: string | undefined; held: Set<Loose> }>();
  readonly #open = new Map<number, Loose[]>();

  constructor(existing: Iterable<string>) {
    this.#existing = new Set(existing);
  }

  exists(path: string): boolean {
    return this.#existing.has(path);
  }

  /** In words: bytes of files at or below any of these paths that are not durable. */
  looseBytes(...paths: string[]): string[] {
    return this.#loose(this.#bytes, paths, 'bytes of');
  }

  /** In words: names in directories at or below any of these paths that are not durable. */
  looseNames(...paths: string[]): string[] {
    return this.#loose(this.#names, paths, 'names in');
  }

  apply({ edge, call, actions, line }: Edge): void {
    if (edge === 'begin') for (const action of actions) this.#begin(action, call, line);
    else this.#end(call, edge === 'end', actions);
  }

  #begin(action: Action, call: number, line: number): void {
    switch (action.kind) {
      case 'write':
        return this.#add(this.#bytes, action.path, call, line, 'written');
      case 'attribute':
        return this.#add(this.#bytes, action.path, call, line, 'owner or mode set');
      case 'create':
        if (this.#existing.has(action.path)) return;
        return this.#add(
          this.#names,
          posix.dirname(action.path),
          call,
          line,
          `${posix.basename(action.path)} made`,
        );
      case 'remove':
        return this.#add(
          this.#names,
          posix.dirname(action.path),
          call,
          line,
          `${posix.basename(action.path)} removed`,
        );
      case 'rename':
      case 'exchange':
        for (const path of new Set([posix.dirname(action.from), posix.dirname(action.to)])) {
          const words = `${posix.basename(action.from)} -> ${posix.basename(action.to)}`;
          this.#add(this.#names, path, call, line, words);
        }
        return;
      case 'sync': {
        const { path } = action;
        const held = [...(this.#bytes.get(path) ?? []), ...(this.#names.get(path) ?? [])];
        this.#syncing.set(call, { path, held: new Set(held.filter(({ settled }) => settled)) });
        return;
      }
      case 'sync-everything': {
        const held = [...this.#bytes.values(), ...this.#names.values()].flat();
        this.#syncing.set(call, { path: undefined, held: new Set(held.filter(({ settled }) => settled)) });
        return;
      }
      case 'send':
      case 'run':
        return;
    }
  }

  #end(call: number, succeeded: boolean, actions: readonly Action[]): void {
    const syncing = this.#syncing.get(call);
    this.#syncing.delete(call);
    if (syncing !== undefined && succeeded) this.#forget((loose) => syncing.held.has(loose));
    const made = this.#open.get(call) ?? [];
    this.#open.delete(call);
    if (!succeeded) {
      const undone = new Set(made);
      this.#forget((loose) => undone.has(loose));
      return;
    }
    for (const loose of made) loose.settled = true;
    for (const action of actions) this.#takeEffect(action);
  }

  #takeEffect(action: Action): void {
    switch (action.kind) {
      case 'create':
        this.#existing.add(action.path);
        return;
      case 'remove':
        // What nobody can reach any more need not last.
        this.#dropTree(action.path);
        return;
      case 'rename':
        this.#dropTree(action.to);
        this.#moveTrees([[action.from, action.to]]);
        return;
      case 'exchange':
        this.#moveTrees([
          [action.from, action.to],
          [action.to, action.from],
        ]);
        return;
      case 'write':
      case 'attribute':
      case 'sync':
      case 'sync-everything':
      case 'send':
      case 'run':
        return;
    }
  }

  #add(where: Map<string, Loose[]>, path: string, call: number, line: number, words: string): void {
    const loose: Loose = { line, words, settled: false };
    where.set(path, [...(where.get(path) ?? []), loose]);
    this.#open.set(call, [...(this.#open.get(call) ?? []), loose]);
  }

  #forget(is: (loose: Loose) => boolean): void {
    for (const where of [this.#bytes, this.#names]) {
      for (const [path, all] of where) {
        const left = all.filter((loose) => !is(loose));
        if (left.length === 0) where.delete(path);
        else where.set(path, left);
      }
    }
  }

  #dropTree(root: string): void {
    for (const where of [this.#bytes, this.#names]) {
      for (const path of where.keys()) if (isBelow(path, root)) where.delete(path);
    }
    for (const path of this.#existing) if (isBelow(path, root)) this.#existing.delete(path);
  }

  /** Trees get other names at once; what is loose in them goes with them. */
  #moveTrees(moves: readonly (readonly [string, string])[]): void {
    const renamed = (path: string): string => {
      const move = moves.find(([from]) => isBelow(path, from));
      return move === undefined ? path : move[1] + path.slice(move[0].length);
    };
    for (const where of [this.#bytes, this.#names]) {
      const entries = [...where];
      where.clear();
      for (const [path, all] of entries)
        where.set(renamed(path), [...(where.get(renamed(path)) ?? []), ...all]);
    }
    const existing = [...this.#existing].map(renamed);
    this.#existing.clear();
    for (const path of existing) this.#existing.add(path);
    for (const syncing of this.#syncing.values()) {
      if (syncing.path !== undefined) syncing.path = renamed(syncing.path);
    }
  }

  #loose(where: Map<string, Loose[]>, paths: readonly string[], what: string): string[] {
    return [...where].flatMap(([path, all]) =>
      paths.some((root) => isBelow(path, root))
        ? all.map(({ line, words }) => `${what} ${path} (${words}, line ${line})`)
        : [],
    );
  }
}

export function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith('/') ? root : `${root}/`);
}

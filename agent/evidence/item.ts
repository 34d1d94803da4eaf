import type { HostName, Seen, SeenKind } from './host-tree.ts';

/** Something that a collector found. What is taken is read before the next item is asked for. */
export type Item = TakenFile | Account | Untaken;

/** A file of the host, all of it or its newest end. */
export interface TakenFile {
  readonly is: 'file';
  readonly seen: Seen;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  /** What is said to be left out; empty where nothing is. */
  readonly leftOut: string;
}

/** What the agent says itself of what it saw: one JSON document. */
export interface Account {
  readonly is: 'account';
  /** "listeners.json" */
  readonly name: string;
  readonly content: unknown;
}

/** Seen and not taken. */
export interface Untaken {
  readonly is: 'untaken';
  readonly path: HostName;
  readonly kind: SeenKind;
  readonly seen?: Pick<Seen, 'stats' | 'target'> | undefined;
  readonly why: string;
  /** True where a limit left it out, and not what it is. */
  readonly limited: boolean;
}

export function untaken(seen: Seen, why: string, limited = false): Untaken {
  return { is: 'untaken', path: seen.path, kind: seen.kind, seen, why, limited };
}

/** Of a name of which nothing more is known. */
export function unseen(path: HostName, why: string, limited = false): Untaken {
  return { is: 'untaken', path, kind: 'unknown', why, limited };
}

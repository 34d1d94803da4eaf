import { hash } from 'node:crypto';
import { resourceMatcher } from '../resource-name.ts';
import type { Interval } from '../revision-clock.ts';

/** One thing that happened, and what says so. */
export interface Fact {
  /** When, where something says it; else `interval` says between which neighbours. */
  readonly timeMs?: number;
  readonly interval?: Interval;
  readonly what: 'created' | 'changed' | 'deleted' | 'deletion asked for' | 'event';
  /**
   * `row`: a row of the store. `tombstone`: the row of a deletion. `managedFields` and
   * `creationTimestamp`: a later state of the object tells of it; the row itself is gone.
   * `carved`: a free page.
   */
  readonly source:
    | 'row'
    | 'tombstone'
    | 'managedFields'
    | 'creationTimestamp'
    | 'deletionTimestamp'
    | 'event'
    | 'carved';
  /** 0 where it is not known. */
  readonly revision: number;
  /** latin1 */
  readonly key: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  /** Empty where nothing says it. */
  readonly tool: string;
  /** "Apply", "Update", with the subresource; empty as `tool` is. */
  readonly operation: string;
  /** Of a certificate's request alone: nothing else in the store names a user. */
  readonly user: string;
  /** Which fields, or what an event said. */
  readonly detail: string;
  readonly file: string;
}

/** What of a timeline is wanted. */
export interface FactFilter {
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** Part of the tool's name. */
  readonly tool?: string;
  readonly resource?: string;
  readonly namespace?: string;
  /** Part of the user's name. */
  readonly user?: string;
}

export function factFilter(filter: FactFilter): (fact: Fact) => boolean {
  const { sinceMs, untilMs, namespace } = filter;
  const isResource = filter.resource === undefined ? undefined : resourceMatcher(filter.resource);
  const tool = filter.tool?.toLowerCase();
  const user = filter.user?.toLowerCase();
  return (fact) =>
    (sinceMs === undefined || (latestMs(fact) ?? Number.POSITIVE_INFINITY) >= sinceMs) &&
    (untilMs === undefined || (earliestMs(fact) ?? Number.NEGATIVE_INFINITY) <= untilMs) &&
    (isResource === undefined || isResource(fact.resource)) &&
    (namespace === undefined || fact.namespace === namespace) &&
    (tool === undefined || fact.tool.toLowerCase().includes(tool)) &&
    (user === undefined || fact.user.toLowerCase().includes(user));
}

/** The earliest that it can have been. */
export function earliestMs({ timeMs, interval }: Fact): number | undefined {
  return timeMs ?? interval?.after?.timeMs;
}

function latestMs({ timeMs, interval }: Fact): number | undefined {
  return timeMs ?? interval?.before?.timeMs;
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Facts in order of time. They lie as text outside the heap, for a store may tell millions; what
 * two files tell alike is kept once, as the first told it.
 */
export class Facts {
  readonly #chunks: Buffer[] = [];
  #used = CHUNK_BYTES;
  readonly #times: number[] = [];
  readonly #revisions: number[] = [];
  /** The chunk's number times CHUNK_BYTES, and the offset in it. */
  readonly #starts: number[] = [];
  readonly #lengths: number[] = [];
  readonly #told: Set<string> | undefined;

  constructor({ several }: { readonly several: boolean }) {
    this.#told = several ? new Set() : undefined;
  }

  get size(): number {
    return this.#starts.length;
  }

  add(fact: Fact): void {
    if (this.#told !== undefined) {
      const id = identity(fact);
      if (this.#told.has(id)) return;
      this.#told.add(id);
    }
    const text = Buffer.from(JSON.stringify(fact));
    if (this.#used + text.length > CHUNK_BYTES) {
      // A fact longer than a chunk has one of its own, and begins it.
      this.#chunks.push(Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, text.length)));
      this.#used = 0;
    }
    text.copy(this.#chunks.at(-1)!, this.#used);
    this.#starts.push((this.#chunks.length - 1) * CHUNK_BYTES + this.#used);
    this.#lengths.push(text.length);
    this.#used += text.length;
    this.#times.push(earliestMs(fact) ?? fact.interval?.before?.timeMs ?? Number.NEGATIVE_INFINITY);
    this.#revisions.push(fact.revision);
  }

  each(visit: (fact: Fact) => void): void {
    const order = Uint32Array.from(this.#starts.keys());
    order.sort(
      (a, b) =>
        compare(this.#times[a]!, this.#times[b]!) ||
        compare(this.#revisions[a]!, this.#revisions[b]!) ||
        a - b,
    );
    for (const index of order) {
      const start = this.#starts[index]!;
      const at = start % CHUNK_BYTES;
      const chunk = this.#chunks[Math.floor(start / CHUNK_BYTES)]!;
      visit(JSON.parse(chunk.toString('utf8', at, at + this.#lengths[index]!)) as Fact);
    }
  }
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** A row that is still there in one file, and only told of by the object in another, is one thing. */
function identity({ key, what, revision, timeMs, tool }: Fact): string {
  const when = what === 'deleted' || timeMs === undefined ? revision : timeMs;
  return hash('sha256', JSON.stringify([key, what, when, tool]), 'base64').slice(0, 16);
}

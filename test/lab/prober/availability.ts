/**
 * What clients see of the API, from single attempts on its servers: up, or down. Pure: time comes
 * with the attempts.
 */
export interface Attempt {
  readonly server: number;
  /** The write was acknowledged and read back. */
  readonly ok: boolean;
  /** When it was acknowledged, or given up; milliseconds since the epoch, with fractions. */
  readonly atMs: number;
}

/** A line of the prober's output. */
export type ProbeEvent =
  /** The first write that works: at the beginning, or again. */
  | { readonly event: 'up'; readonly atMs: number }
  /** Every server failed since the last write that worked. */
  | { readonly event: 'down'; readonly atMs: number; readonly lastSuccessMs: number }
  | {
      readonly event: 'stopped';
      readonly atMs: number;
      readonly lastSuccessMs: number;
      readonly writes: number;
    };

/** A server that fails is skipped, as a load balancer would; only all of them together are an outage. */
export class Availability {
  private readonly failing: Set<number> = new Set();
  private readonly servers: number;
  private up = false;
  private lastSuccessMs = 0;
  private writes = 0;

  constructor(servers: number) {
    this.servers = servers;
  }

  observe(attempt: Attempt): ProbeEvent | undefined {
    if (attempt.ok) {
      this.failing.clear();
      this.lastSuccessMs = Math.max(this.lastSuccessMs, attempt.atMs);
      this.writes += 1;
      if (this.up) return undefined;
      this.up = true;
      return { event: 'up', atMs: attempt.atMs };
    }
    this.failing.add(attempt.server);
    if (!this.up || this.failing.size < this.servers) return undefined;
    this.up = false;
    return { event: 'down', atMs: attempt.atMs, lastSuccessMs: this.lastSuccessMs };
  }

  stop(atMs: number): ProbeEvent {
    return { event: 'stopped', atMs, lastSuccessMs: this.lastSuccessMs, writes: this.writes };
  }
}

/** One stretch without a working API: from the last write that worked to the first that works again. */
export interface Outage {
  readonly fromMs: number;
  /** Undefined while it lasts. */
  readonly toMs: number | undefined;
}

export function outages(events: readonly ProbeEvent[]): Outage[] {
  const found: Outage[] = [];
  let fromMs: number | undefined;
  for (const event of events) {
    if (event.event === 'down') fromMs = event.lastSuccessMs;
    if (event.event === 'up' && fromMs !== undefined) {
      found.push({ fromMs, toMs: event.atMs });
      fromMs = undefined;
    }
  }
  if (fromMs !== undefined) found.push({ fromMs, toMs: undefined });
  return found;
}

/**
 * How long clients were without the API: all outages together, in whole milliseconds. Throws where
 * one has not ended: there is no such figure yet.
 */
export function outageMs(events: readonly ProbeEvent[]): number {
  let totalMs = 0;
  for (const outage of outages(events)) {
    if (outage.toMs === undefined) throw new Error('the API has not come back');
    totalMs += outage.toMs - outage.fromMs;
  }
  return Math.round(totalMs);
}

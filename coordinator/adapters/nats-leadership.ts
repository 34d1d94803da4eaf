import type { Clock } from '@lockstep/shared/clock.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import type { NatsLink } from '@lockstep/shared/nats/connection.ts';
import type { SharedValue } from '@lockstep/shared/nats/shared-value.ts';
import { LEADER_KEY, leaderBucket } from '@lockstep/shared/nats/subjects.ts';
import { z } from 'zod';
import {
  afterLeaseEvent,
  LEASE_MS,
  type LeaderRecord,
  type LeaseEvent,
  type LeaseState,
  type LeaseWish,
  leads,
  leaseRelease,
  leaseWish,
  newLease,
  otherLeader,
} from '../core/leadership.ts';
import { describeThrown } from '../runner/operation-run.ts';
import type { Leader, Leadership } from '../runner/ports.ts';

/** Between two looks at what NATS holds. */
const LOOK_EVERY_MS = 500;
/** Who led and is gone without a word is forgotten by NATS after this; a coordinator waits for less. */
const FORGOTTEN_AFTER_MS = 2 * LEASE_MS;

const recordSchema = z.object({
  coordinator: z.string().min(1),
  run: z.string().min(1),
  address: z.string(),
  released: z.boolean(),
});

export interface NatsLeadershipSettings {
  readonly cluster: string;
  readonly self: LeaseState['self'];
  readonly link: NatsLink;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Leads where NATS says so: one JetStream value, renewed by who leads, taken by another once it is not. */
export class NatsLeadership implements Leadership {
  readonly elected = true;
  readonly #settings: NatsLeadershipSettings;
  readonly #value: SharedValue;
  readonly #listeners = new Set<() => void>();
  #lease: LeaseState;
  #told = '';
  #expiry: Disposable | undefined;
  #wake = Promise.withResolvers<void>();

  constructor(settings: NatsLeadershipSettings) {
    this.#settings = settings;
    this.#lease = newLease(settings.self);
    this.#value = settings.link.sharedValue({
      bucket: leaderBucket(settings.cluster),
      key: LEADER_KEY,
      ttlMs: FORGOTTEN_AFTER_MS,
    });
    settings.link.onChange(() => this.#wake.resolve());
  }

  get leads(): boolean {
    return leads(this.#lease, this.#nowMs());
  }

  get other(): Leader | undefined {
    const record = otherLeader(this.#lease, this.#nowMs());
    return record === undefined ? undefined : { coordinator: record.coordinator, address: record.address };
  }

  get silent(): boolean {
    return this.#lease.silent;
  }

  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  reaches(anyAgent: boolean): void {
    this.#feed({ kind: 'reached', anyAgent });
  }

  /** Until the signal; then it leaves the lead to another at once. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const wish = leaseWish(this.#lease, this.#nowMs());
      const next = await this.#grant(wish);
      if (next === 'at once') continue;
      await this.#pause(signal);
    }
    const release = leaseRelease(this.#lease);
    if (release !== undefined && this.#settings.link.connected) await this.#grant(release);
    this.#expiry?.[Symbol.dispose]();
  }

  /** What NATS answered is fed to the lease. 'at once': it has more to ask. */
  async #grant(wish: LeaseWish): Promise<'at once' | 'later'> {
    if (wish.do === 'nothing') return 'later';
    const askedMs = this.#nowMs();
    try {
      if (wish.do === 'read') {
        const seen = await this.#value.read();
        this.#feed({ kind: 'read', record: parseRecord(seen.data), revision: seen.revision });
        return leaseWish(this.#lease, this.#nowMs()).do === 'write' ? 'at once' : 'later';
      }
      const data = new TextEncoder().encode(JSON.stringify(wish.record));
      const revision = await this.#value.replace(data, wish.expectedRevision);
      if (revision === undefined) {
        this.#feed({ kind: 'outrun' });
        return 'at once';
      }
      this.#feed({ kind: 'written', record: wish.record, revision, askedMs });
      return 'later';
    } catch (thrown) {
      this.#settings.logger.debug(describeThrown(thrown), 'NATS did not say who leads');
      this.#feed({ kind: 'unanswered' });
      return 'later';
    }
  }

  #feed(event: LeaseEvent): void {
    const nowMs = this.#nowMs();
    this.#lease = afterLeaseEvent(this.#lease, event, nowMs);
    this.#tell();
    // The lead runs out while NATS is being waited for, too.
    this.#expiry?.[Symbol.dispose]();
    const { leadsUntilMs, seen } = this.#lease;
    const endsMs = leadsUntilMs ?? (seen === undefined ? undefined : seen.sinceMs + LEASE_MS);
    if (endsMs === undefined || endsMs <= nowMs) return;
    this.#expiry = this.#settings.clock.after(endsMs - nowMs + 1, () => this.#tell());
  }

  #tell(): void {
    const nobody = this.silent ? 'NATS says nothing' : 'nobody is known to lead';
    const standing = this.leads ? 'leads' : (this.other?.coordinator ?? nobody);
    if (standing === this.#told) return;
    this.#told = standing;
    this.#settings.logger.info(
      { standing },
      this.leads ? 'this coordinator leads' : 'this coordinator stands by',
    );
    for (const listener of this.#listeners) listener();
  }

  async #pause(signal: AbortSignal): Promise<void> {
    this.#wake = Promise.withResolvers();
    const over = new AbortController();
    const paused = this.#settings.clock
      .delay(LOOK_EVERY_MS, AbortSignal.any([signal, over.signal]))
      .catch(() => undefined);
    await Promise.race([paused, this.#wake.promise]);
    over.abort();
  }

  #nowMs(): number {
    return this.#settings.clock.monotonicMs();
  }
}

/** What nobody of ours wrote counts as nothing, and is replaced. */
function parseRecord(data: Uint8Array | undefined): LeaderRecord | undefined {
  if (data === undefined) return undefined;
  try {
    return recordSchema.parse(JSON.parse(new TextDecoder().decode(data)));
  } catch {
    return undefined;
  }
}

import { LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import { CatalogueEntry, Proof, StoredSnapshot } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Schedule } from '../core/schedule.ts';
import type { Catalogue } from './catalogue.ts';
import type { Agents, Leadership, ScheduleRun } from './ports.ts';
import { Scheduler } from './scheduler.ts';
import { ManualClock } from './testing/manual-clock.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const hourly: Schedule = {
  name: 'hourly',
  cron: '0 * * * *',
  timeZone: 'UTC',
  jitterMs: 0,
  action: 'save',
  node: '',
  reason: '',
};

/** A coordinator's surroundings that last through its restarts. */
class Surroundings {
  readonly clock = new ManualClock();
  readonly runs = new Map<string, ScheduleRun>();
  entries: CatalogueEntry[] = [];
  readonly taken: { reason: string; atMs: number }[] = [];
  readonly announced: OperationEvent[] = [];
  leads = true;
  busy = false;
  /** How long one save takes. */
  saveMs = 0;
  failWith: unknown = undefined;
  pruned = 0;
  stop = new AbortController();
  #leadershipChanged: () => void = () => {};

  start(...schedules: Schedule[]): Scheduler {
    this.stop = new AbortController();
    const isLeading = (): boolean => this.leads;
    const isBusy = (): boolean => this.busy;
    const leadership = {
      get leads() {
        return isLeading();
      },
      onChange: (listener: () => void) => {
        this.#leadershipChanged = listener;
        return { [Symbol.dispose]: () => undefined };
      },
    } as unknown as Leadership;
    const catalogue = { read: async () => ({ entries: this.entries, failures: [], behind: [] }) };
    const scheduler = new Scheduler({
      schedules,
      runs: {
        load: async () => [...this.runs.values()],
        put: async (run) => {
          this.runs.set(run.schedule, run);
        },
      },
      work: {
        saves: { run: ({ reason }, signal) => this.#save(reason, signal) },
        drills: {
          run: async () => Proof.fromPartial({ failure: toFailure(new LockstepError('SNAPSHOT_CORRUPT')) }),
        },
        keeping: {
          retention: undefined,
          prune: async () => {
            this.pruned += 1;
            return [];
          },
        },
        catalogue,
      },
      catalogue: catalogue as unknown as Catalogue,
      agents: {
        known: () => [{ node: 'cp1', address: '' }],
        client: () => ({ readLedger: async () => ({ operationId: '' }) }),
      } as unknown as Agents,
      plans: { unexpired: async () => [] },
      operations: {
        get isBusy() {
          return isBusy();
        },
      },
      leadership,
      announcer: { announce: (event) => void this.announced.push(event) },
      clock: this.clock,
      logger: createLogger('test', 'silent'),
    });
    void scheduler.run(this.stop.signal);
    return scheduler;
  }

  lead(leads: boolean): void {
    this.leads = leads;
    this.#leadershipChanged();
  }

  async #save(reason: string, signal: AbortSignal): Promise<{ snapshot: StoredSnapshot; failures: [] }> {
    if (this.saveMs > 0) await this.clock.delay(this.saveMs, signal);
    if (this.failWith !== undefined) throw this.failWith;
    const atMs = this.clock.nowMs();
    this.taken.push({ reason, atMs });
    const card = { id: `s-${this.taken.length}`, reason, takenAt: new Date(atMs).toISOString() };
    this.entries = [
      CatalogueEntry.fromPartial({ card, held: [{ node: 'cp1' }], standing: 'good' }),
      ...this.entries,
    ];
    return { snapshot: StoredSnapshot.fromPartial({ card }), failures: [] };
  }
}

describe('schedules', () => {
  let world: Surroundings;
  beforeEach(() => {
    world = new Surroundings();
  });
  afterEach(() => world.stop.abort());

  it('run at their times, one after the other, and say how it went', async () => {
    const scheduler = world.start(hourly);
    await world.clock.pass(3 * HOUR_MS);
    expect(world.taken.map(({ reason }) => reason)).toEqual(Array(3).fill('schedule hourly'));
    expect(world.taken.every(({ atMs }) => atMs % HOUR_MS === 0)).toBe(true);
    const [status] = scheduler.status();
    expect(status).toMatchObject({ lastOutcome: 'done', lastSnapshotId: 's-3', late: false, running: false });
    expect(world.announced.map(({ event }) => event?.$case === 'notice' && event.value.code)).toEqual(
      Array(3).fill('SCHEDULE_DONE'),
    );
  });

  it('begin with nothing to catch up where nothing is known', async () => {
    world.start(hourly);
    await world.clock.pass(MINUTE_MS);
    expect(world.taken).toEqual([]);
    expect(world.runs.get('hourly')).toMatchObject({ startedMs: 0, outcome: '' });
  });

  it('catch up once what was missed while no coordinator was there', async () => {
    world.start(hourly);
    await world.clock.pass(HOUR_MS);
    world.stop.abort();
    await world.clock.pass(5 * HOUR_MS + 10 * MINUTE_MS);
    world.start(hourly);
    await world.clock.pass(MINUTE_MS);
    expect(world.taken).toHaveLength(2);
  });

  it('try again where nobody is there yet, for a while, and say so only in the end', async () => {
    world.failWith = new LockstepError('ETCD_UNREACHABLE');
    const scheduler = world.start(hourly);
    await world.clock.pass(HOUR_MS - (world.clock.nowMs() % HOUR_MS) + 10_000);
    expect(scheduler.status()[0]).toMatchObject({ running: true });
    world.failWith = undefined;
    await world.clock.pass(MINUTE_MS);
    expect(scheduler.status()[0]).toMatchObject({ running: false, lastOutcome: 'done' });
    expect(world.taken).toHaveLength(1);
    world.failWith = new LockstepError('ETCD_UNREACHABLE');
    await world.clock.pass(HOUR_MS + MINUTE_MS);
    expect(scheduler.status()[0]).toMatchObject({ running: false, lastOutcome: 'ETCD_UNREACHABLE' });
    expect(world.announced).toHaveLength(2);
  });

  it('and know from the catalogue alone what ran last', async () => {
    world.start(hourly);
    await world.clock.pass(HOUR_MS);
    world.stop.abort();
    world.runs.clear();
    const fresh = world.start(hourly);
    await world.clock.pass(MINUTE_MS);
    expect(world.taken).toHaveLength(1);
    expect(fresh.status()[0]).toMatchObject({ lastOutcome: 'done', lastSnapshotId: 's-1' });
    world.stop.abort();
    world.runs.clear();
    await world.clock.pass(2 * HOUR_MS);
    world.start(hourly);
    await world.clock.pass(MINUTE_MS);
    expect(world.taken).toHaveLength(2);
  });

  it('do nothing while another leads, and repeat nothing that it did', async () => {
    world.lead(false);
    world.start(hourly);
    await world.clock.pass(2 * HOUR_MS);
    expect(world.taken).toEqual([]);
    const card = {
      id: 's-other',
      reason: 'schedule hourly',
      takenAt: new Date(world.clock.nowMs()).toISOString(),
    };
    world.entries = [CatalogueEntry.fromPartial({ card, held: [{ node: 'cp1' }] })];
    world.lead(true);
    await world.clock.pass(MINUTE_MS);
    expect(world.taken).toEqual([]);
    await world.clock.pass(HOUR_MS);
    expect(world.taken).toHaveLength(1);
  });

  it('wait while an operation is under way, then run once', async () => {
    world.start(hourly);
    await world.clock.pass(MINUTE_MS);
    world.busy = true;
    await world.clock.pass(untilHour(world) + 5 * MINUTE_MS);
    expect(world.taken).toEqual([]);
    world.busy = false;
    await world.clock.pass(MINUTE_MS);
    expect(world.taken).toHaveLength(1);
  });

  it('give way to an operation that begins in their middle, and are late meanwhile', async () => {
    world.saveMs = MINUTE_MS;
    const scheduler = world.start(hourly);
    await world.clock.pass(untilHour(world) + 10_000);
    expect(scheduler.status()[0]?.running).toBe(true);
    world.busy = true;
    await world.clock.pass(10 * MINUTE_MS);
    expect(world.taken).toEqual([]);
    expect(scheduler.status()[0]).toMatchObject({
      lastOutcome: 'OPERATION_IN_PROGRESS',
      late: true,
      running: false,
    });
    world.busy = false;
    await world.clock.pass(2 * MINUTE_MS);
    expect(world.taken).toHaveLength(1);
  });

  it('begin an interrupted run once more, and no more than once', async () => {
    world.saveMs = MINUTE_MS;
    world.start(hourly);
    await world.clock.pass(untilHour(world) + 10_000);
    for (let crash = 1; crash <= 3; crash += 1) {
      world.stop.abort();
      await world.clock.pass(1_000);
      world.start(hourly);
      await world.clock.pass(10_000);
      expect(world.runs.get('hourly')?.attempt, `after crash ${crash}`).toBe(2);
    }
    expect(world.runs.get('hourly')).toMatchObject({ outcome: 'SCHEDULE_INTERRUPTED' });
    expect(world.taken).toEqual([]);
  });

  it('say what failed, and go on with the next', async () => {
    world.failWith = new LockstepError('SAVE_FAILED', {
      message: 'No snapshot.',
      cause: new Error('no space'),
    });
    const scheduler = world.start(hourly, { ...hourly, name: 'drill', action: 'drill', cron: '30 * * * *' });
    await world.clock.pass(HOUR_MS);
    const [save, drill] = scheduler.status();
    expect(save).toMatchObject({ lastOutcome: 'SAVE_FAILED', lastMessage: 'No snapshot. (no space)' });
    expect(drill).toMatchObject({ lastOutcome: 'SNAPSHOT_NOT_FOUND' });
    world.failWith = undefined;
    await world.clock.pass(2 * HOUR_MS);
    expect(scheduler.status()[0]?.lastOutcome).toBe('done');
    expect(scheduler.status()[1]?.lastOutcome).toBe('SNAPSHOT_CORRUPT');
  });

  it('are one at a time, the most overdue first', async () => {
    world.saveMs = 90_000;
    const each = { ...hourly, name: 'each', cron: '* * * * *' };
    world.start(each, { ...each, name: 'other', cron: '10 * * * * *' });
    await world.clock.pass(8 * MINUTE_MS);
    const reasons = world.taken.map(({ reason }) => reason);
    const inTurn = ['schedule each', 'schedule other', 'schedule each', 'schedule other', 'schedule each'];
    expect(reasons).toEqual((reasons[0] === inTurn[0] ? inTurn : inTurn.slice(1)).slice(0, reasons.length));
    expect(reasons.length).toBeGreaterThanOrEqual(3);
    const gaps = world.taken.slice(1).map(({ atMs }, index) => atMs - (world.taken[index]?.atMs ?? 0));
    expect(gaps.every((gap) => gap >= world.saveMs)).toBe(true);
  });
});

function untilHour({ clock }: Surroundings): number {
  return HOUR_MS - (clock.nowMs() % HOUR_MS);
}

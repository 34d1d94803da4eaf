import type { Clock } from '@lockstep/shared/clock.ts';
import type { ErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { ScheduleStatus } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import { judgeDue, Occurrences, type Schedule } from '../core/schedule.ts';
import { lastInCatalogue, recall } from '../core/schedule-memory.ts';
import type { Catalogue } from './catalogue.ts';
import type { Agents, Announcer, Leadership, ScheduleRun, ScheduleRuns, UnexpiredPlans } from './ports.ts';
import { ScheduledWork, type ScheduledWorkSettings, type WorkDone } from './scheduled-work.ts';
import { findUses } from './uses.ts';

/** The clock is looked at this often, so that one that jumps is found out. */
const LONGEST_PAUSE_MS = 30_000;
/** While an operation is open, or nobody answers what ran last. */
const RETRY_PAUSE_MS = 3_000;
/** Beyond this a run that has not begun is worth a word. */
const LATE_AFTER_MS = 2 * 60_000;
/** Whether an operation has begun meanwhile is looked at this often. */
const WATCH_PAUSE_MS = 500;
/** Nobody may answer just now, while this program or an agent has only begun; then it is tried again after these. */
const TRY_AGAIN_AFTER_MS = [15_000, 60_000];
const NOBODY_THERE: ReadonlySet<string> = new Set<ErrorCode>([
  'UNREACHABLE',
  'NODE_UNREACHABLE',
  'ETCD_UNREACHABLE',
]);
/** A save or a drill that goes on for longer has hung. */
const MAX_RUN_MS = 6 * 3_600_000;

export interface SchedulerSettings {
  readonly schedules: readonly Schedule[];
  readonly runs: ScheduleRuns;
  readonly work: ScheduledWorkSettings;
  readonly catalogue: Catalogue;
  readonly agents: Agents;
  readonly plans: UnexpiredPlans;
  readonly operations: { readonly isBusy: boolean };
  readonly leadership: Leadership;
  readonly announcer: Announcer;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Entry {
  readonly schedule: Schedule;
  readonly occurrences: Occurrences;
  last: ScheduleRun | undefined;
  /** Up to here nothing is left to do; undefined until it is recalled. */
  settledMs: number | undefined;
  /** By the clock that never jumps: since when `settledMs` is what it is. */
  sinceMs: number;
  /** How often the occurrence that is due has been begun. */
  attempts: number;
}

/**
 * Does what the configuration's schedules say, while this coordinator leads and no operation is
 * open: one run at a time, the most overdue first. What it remembers is durable here, and shown by
 * the catalogue to a coordinator that has nothing.
 */
export class Scheduler {
  readonly #settings: SchedulerSettings;
  readonly #work: ScheduledWork;
  readonly #entries: Entry[];
  #running: Entry | undefined;
  #recalled = false;
  #wake: () => void = () => {};

  constructor(settings: SchedulerSettings) {
    this.#settings = settings;
    this.#work = new ScheduledWork(settings.work);
    this.#entries = settings.schedules.map((schedule) => ({
      schedule,
      occurrences: new Occurrences(schedule),
      last: undefined,
      settledMs: undefined,
      sinceMs: 0,
      attempts: 0,
    }));
  }

  /** Until the signal. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#entries.length === 0) return;
    const { leadership, logger } = this.#settings;
    using _leading = leadership.onChange(() => this.#wake());
    await this.#load();
    while (!signal.aborted) {
      const pauseMs = await this.#turn(signal).catch((thrown: unknown) => {
        const { code, message } = toFailure(thrown);
        if (!signal.aborted) logger.warn({ code, reason: message }, 'schedules could not be looked at');
        return RETRY_PAUSE_MS;
      });
      if (!signal.aborted) await this.#pause(Math.min(pauseMs, LONGEST_PAUSE_MS), signal);
    }
  }

  status(): ScheduleStatus[] {
    const nowMs = this.#settings.clock.nowMs();
    return this.#entries.map(({ schedule, occurrences, last, settledMs }, index) => {
      const next = occurrences.after(settledMs ?? nowMs);
      const nextMs = next === undefined ? undefined : occurrences.runsAt(next);
      const running = this.#running === this.#entries[index];
      const leads = this.#settings.leadership.leads;
      return {
        name: schedule.name,
        action: schedule.action,
        cron: schedule.cron,
        timeZone: schedule.timeZone,
        nextAt: nextMs === undefined ? '' : new Date(nextMs).toISOString(),
        lastAt: last === undefined || last.startedMs === 0 ? '' : new Date(last.startedMs).toISOString(),
        lastOutcome: last?.outcome ?? '',
        lastSnapshotId: last?.snapshotId ?? '',
        lastMessage: last?.message ?? '',
        running,
        late: leads && !running && nextMs !== undefined && nowMs > nextMs + LATE_AFTER_MS,
      };
    });
  }

  async #load(): Promise<void> {
    const found = new Map((await this.#settings.runs.load()).map((run) => [run.schedule, run]));
    for (const entry of this.#entries) entry.last = found.get(entry.schedule.name);
  }

  /** Resolves with how long nothing is to be done. */
  async #turn(signal: AbortSignal): Promise<number> {
    const { leadership, clock } = this.#settings;
    if (!leadership.leads) {
      // Who leads meanwhile runs them: what it did is in the catalogue.
      this.#recalled = false;
      return LONGEST_PAUSE_MS;
    }
    if (!this.#recalled) await this.#recall(signal);
    const nowMs = clock.nowMs();
    let pauseMs = LONGEST_PAUSE_MS;
    const due: { entry: Entry; occurrenceMs: number }[] = [];
    for (const entry of this.#entries) {
      const elapsedMs = clock.monotonicMs() - entry.sinceMs;
      const found = judgeDue(entry.occurrences, { occurrenceMs: entry.settledMs ?? nowMs, elapsedMs }, nowMs);
      if (found.kind === 'run') due.push({ entry, occurrenceMs: found.occurrenceMs });
      else if (found.kind === 'rebase') this.#settle(entry, found.occurrenceMs);
      else if (found.kind === 'wait') pauseMs = Math.min(pauseMs, found.untilMs - nowMs);
    }
    const [first] = due.sort((a, b) => firstMissed(a.entry) - firstMissed(b.entry));
    if (first === undefined) return Math.max(0, pauseMs);
    if (await this.#isHeldUp(signal)) return RETRY_PAUSE_MS;
    await this.#runOne(first.entry, first.occurrenceMs, signal);
    return 0;
  }

  /** Throws where no place says what ran last and nothing is remembered here either. */
  async #recall(signal: AbortSignal): Promise<void> {
    const { catalogue, clock, agents } = this.#settings;
    const { entries, failures } = await catalogue.read(signal);
    const someAnswered = agents.known().length > failures.length || entries.length > 0;
    const nowMs = clock.nowMs();
    for (const entry of this.#entries) {
      const { schedule, occurrences, last } = entry;
      const shown = lastInCatalogue(schedule, entries);
      const recalled = recall(occurrences, last, shown, nowMs);
      switch (recalled.kind) {
        case 'fresh':
          if (!someAnswered) throw new LockstepError('UNREACHABLE', { message: 'No place answered.' });
          await this.#record(entry, blank(schedule, recalled.occurrenceMs, nowMs));
          break;
        case 'catalogue':
          await this.#record(entry, {
            ...blank(schedule, recalled.occurrenceMs, recalled.atMs),
            startedMs: recalled.atMs,
            outcome: recalled.failure?.code ?? 'done',
            message: recalled.failure?.message ?? '',
            snapshotId: recalled.snapshotId,
          });
          break;
        case 'interrupted':
          entry.attempts = last?.attempt ?? 0;
          if (last !== undefined) await this.#record(entry, interrupted(last));
          break;
        case 'file':
          if (last !== undefined && last.endedMs === undefined) await this.#record(entry, interrupted(last));
          break;
      }
      this.#settle(entry, recalled.kind === 'file' ? (last?.occurrenceMs ?? nowMs) : recalled.occurrenceMs);
    }
    this.#recalled = true;
  }

  /** An operation is under way here, or is open on an agent. */
  async #isHeldUp(signal: AbortSignal): Promise<boolean> {
    if (this.#settings.operations.isBusy) return true;
    const { open } = await findUses(this.#settings, signal);
    if (open.length > 0) this.#settings.logger.info({ open }, 'schedules wait for an open operation');
    return open.length > 0 || this.#settings.operations.isBusy;
  }

  async #runOne(entry: Entry, occurrenceMs: number, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#settings;
    const { schedule } = entry;
    const begun: ScheduleRun = {
      ...blank(schedule, occurrenceMs, 0),
      startedMs: clock.nowMs(),
      endedMs: undefined,
      attempt: entry.attempts + 1,
    };
    const before = entry.settledMs ?? occurrenceMs;
    this.#running = entry;
    logger.info({ schedule: schedule.name, action: schedule.action }, 'a scheduled run begins');
    try {
      await this.#record(entry, begun);
      const over = new AbortController();
      const until = clock.deadline(MAX_RUN_MS, AbortSignal.any([signal, over.signal]));
      const watched = this.#giveWayToOperations(over, signal);
      const done = await this.#try(schedule, until).finally(() => watched[Symbol.dispose]());
      // What stopped, or gave way to an operation, is not the end: it is caught up.
      if (signal.aborted) return;
      const gaveWay = over.signal.aborted && done.outcome !== 'done';
      await this.#record(entry, { ...begun, ...done, endedMs: clock.nowMs() });
      this.#settle(entry, gaveWay ? before : occurrenceMs);
      entry.attempts = 0;
      this.#announce(entry.last ?? begun);
    } finally {
      this.#running = undefined;
    }
  }

  /** The next occurrence may be a day away: what nobody was there to do is tried a little longer. */
  async #try(schedule: Schedule, signal: AbortSignal): Promise<WorkDone> {
    const { clock, logger } = this.#settings;
    for (const pauseMs of TRY_AGAIN_AFTER_MS) {
      const done = await this.#work.run(schedule, signal);
      // What took a snapshot, or drilled one, is not repeated.
      if (signal.aborted || done.snapshotId !== '' || !NOBODY_THERE.has(done.outcome)) return done;
      const { outcome, message } = done;
      logger.warn(
        { schedule: schedule.name, outcome, pauseMs, reason: message },
        'a scheduled run is tried again',
      );
      await clock.delay(pauseMs, signal).catch(() => undefined);
    }
    return this.#work.run(schedule, signal);
  }

  #giveWayToOperations(over: AbortController, signal: AbortSignal): Disposable {
    const { clock, operations } = this.#settings;
    const ended = new AbortController();
    void (async () => {
      while (!ended.signal.aborted) {
        await clock.delay(WATCH_PAUSE_MS, AbortSignal.any([ended.signal, signal]));
        if (!operations.isBusy) continue;
        over.abort(new LockstepError('OPERATION_IN_PROGRESS', { message: 'An operation has begun.' }));
        return;
      }
    })().catch(() => undefined);
    return { [Symbol.dispose]: () => ended.abort() };
  }

  /** A disk that does not take it costs the memory of it, not the run: the catalogue shows it too. */
  async #record(entry: Entry, run: ScheduleRun): Promise<void> {
    // While one runs it is the one before that has an outcome.
    if (run.endedMs !== undefined) entry.last = run;
    await this.#settings.runs.put(run).catch((thrown: unknown) => {
      const { code, message } = toFailure(thrown);
      this.#settings.logger.warn({ code, reason: message }, 'a scheduled run is not on record here');
    });
  }

  #settle(entry: Entry, occurrenceMs: number): void {
    entry.settledMs = occurrenceMs;
    entry.sinceMs = this.#settings.clock.monotonicMs();
  }

  #announce({ schedule, outcome, message, startedMs, snapshotId }: ScheduleRun): void {
    const { announcer, logger, clock } = this.#settings;
    const failed = outcome !== 'done';
    const fields = { schedule, outcome, snapshotId };
    if (failed) logger.error(fields, `a scheduled run failed: ${message}`);
    else logger.info(fields, 'a scheduled run is done');
    announcer.announce({
      operationId: `schedule-${schedule}`,
      sequence: BigInt(startedMs),
      atMs: BigInt(clock.nowMs()),
      event: {
        $case: 'notice',
        value: {
          code: failed ? outcome : 'SCHEDULE_DONE',
          message: failed ? `schedule ${schedule}: ${message}` : `schedule ${schedule}: ${snapshotId}`,
        },
      },
    });
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (ms <= 0) return;
    const over = new AbortController();
    this.#wake = () => over.abort();
    await this.#settings.clock.delay(ms, AbortSignal.any([signal, over.signal])).catch(() => undefined);
    this.#wake = () => {};
  }
}

/** Whoever has waited longest is next: a schedule that is always overdue starves no other. */
function firstMissed({ occurrences, settledMs = 0 }: Entry): number {
  return occurrences.after(settledMs) ?? Number.POSITIVE_INFINITY;
}

function blank({ name }: Schedule, occurrenceMs: number, endedMs: number): ScheduleRun {
  return {
    schedule: name,
    occurrenceMs,
    startedMs: 0,
    endedMs,
    outcome: '',
    message: '',
    snapshotId: '',
    attempt: 0,
  };
}

function interrupted(run: ScheduleRun): ScheduleRun {
  const { code, message } = toFailure(new LockstepError('SCHEDULE_INTERRUPTED'));
  return { ...run, endedMs: run.startedMs, outcome: code, message };
}

import { z } from 'zod';
import type { RetentionPolicy } from './core/retention.ts';
import { parseCron, type Schedule } from './core/schedule.ts';

const UNIT_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_KEPT = 100_000;
/** More would keep the one coordinator that leads busy with nothing else. */
const MAX_SCHEDULES = 32;
/** An occurrence that is put off for longer is another occurrence. */
const MAX_JITTER_MS = 24 * 3_600_000;

const duration = z
  .string()
  .regex(/^\d{1,6}[smhd]$/, 'must be a length of time: 90s, 15m, 2h, 7d')
  .transform((text) => Number(text.slice(0, -1)) * (UNIT_MS[text.slice(-1)] ?? 0));

const timeZone = z.string().refine(isTimeZone, 'is no time zone; write one as Europe/Berlin').default('UTC');
const count = z.int().min(0).max(MAX_KEPT).default(0);

const schedule = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'must be a plain name in small letters'),
    cron: z.string(),
    timeZone,
    jitter: duration.refine((ms) => ms <= MAX_JITTER_MS, 'is longer than a day').default(0),
    action: z.enum(['save', 'drill']),
    node: z.string().default(''),
    reason: z.string().max(200).default(''),
  })
  .superRefine(({ cron, timeZone: zone }, context) => {
    const problem = isTimeZone(zone) ? cronProblem(cron, zone) : undefined;
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['cron'], message: problem });
  })
  .transform(({ jitter, ...rest }): Schedule => ({ ...rest, jitterMs: jitter }));

export const schedulesSchema = z
  .array(schedule)
  .max(MAX_SCHEDULES)
  .default([])
  .refine(
    (schedules) => new Set(schedules.map(({ name }) => name)).size === schedules.length,
    'names a schedule twice',
  );

export const retentionSchema = z
  .strictObject({
    keepLast: count,
    hourly: count,
    daily: count,
    weekly: count,
    monthly: count,
    minAge: duration.default(0),
    timeZone,
  })
  .refine(
    ({ keepLast, hourly, daily, weekly, monthly }) => keepLast + hourly + daily + weekly + monthly > 0,
    'must keep something: set keepLast, hourly, daily, weekly or monthly',
  )
  .transform(({ minAge, ...rest }): RetentionPolicy => ({ ...rest, minAgeMs: minAge }))
  .optional();

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function cronProblem(cron: string, zone: string): string | undefined {
  try {
    return parseCron(cron, zone).nextRun() === null ? 'never comes' : undefined;
  } catch (error) {
    return `cannot be read: ${error instanceof Error ? error.message : ''}`;
  }
}

import type { Override } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { InvalidArgumentError } from 'commander';
import type { Placed } from '../pki/endpoint.ts';

const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000 };

/** "90s", "2m", "1m30s", "1500ms", in milliseconds. */
export function parseDurationMs(text: string): number {
  const parts = [...text.matchAll(/(\d+)(ms|s|min|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    throw new InvalidArgumentError('Write a length of time as 90s, 2m or 1m30s.');
  }
  return parts.reduce(
    (sum, [, figure, unit]) => sum + Number(figure) * (UNIT_MS[unit as string] as number),
    0,
  );
}

/** "CODE=REASON", collected. */
export function collectOverride(text: string, before: readonly Override[]): Override[] {
  const match = /^([A-Z][A-Z0-9_]*)=(.+)$/s.exec(text);
  if (match === null) throw new InvalidArgumentError("Write an override as 'CODE=REASON'.");
  return [...before, { code: match[1] as string, reason: match[2] as string }];
}

/** "NAME=ADDRESS", collected. */
export function collectPlaced(text: string, before: readonly Placed[]): Placed[] {
  const match = /^([^=]+)=(.+)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('Write NAME=ADDRESS.');
  return [...before, { name: match[1] as string, address: match[2] as string }];
}

export function collectText(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

export function parseDays(text: string): number {
  const days = Number(text);
  if (!Number.isInteger(days) || days < 1 || days > 36_500)
    throw new InvalidArgumentError('Write a number of days.');
  return days;
}

/** A port that has another one after it. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_534) throw new InvalidArgumentError('Write a port.');
  return port;
}

export function parseRevision(text: string): number {
  const revision = Number(text);
  if (!Number.isSafeInteger(revision) || revision < 1)
    throw new InvalidArgumentError('Write a revision, a number from 1 on.');
  return revision;
}

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** "500M", "2G", in bytes. */
export function parseSize(text: string): number {
  const match = /^(\d{1,9})([KMG]?)$/.exec(text);
  const bytes = Number(match?.[1]) * (SIZE_UNITS[match?.[2] ?? ''] ?? Number.NaN);
  if (!Number.isSafeInteger(bytes) || bytes < 1)
    throw new InvalidArgumentError('Write a size as 500M or 2G.');
  return bytes;
}

/** "2026-11-22", "2026-11-22T10:00:00Z", in milliseconds; without a zone UTC is meant. */
export function parseInstant(text: string): number {
  const zoned = /T.*(Z|[+-]\d\d:?\d\d)$/u.test(text) || !text.includes('T') ? text : `${text}Z`;
  const ms = /^\d{4}-\d\d-\d\d/u.test(text) ? Date.parse(zoned) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError('Write a time as 2026-11-22 or 2026-11-22T10:00:00Z.');
  return ms;
}

import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { parseCardFile } from '@lockstep/shared/seal/card-file.ts';
import { type Bisection, bisect, earliestObject, type Looked } from '../../../analysis/findings/bisect.ts';
import type { Severity } from '../../../analysis/findings/finding.ts';
import { findingsOf } from '../../../analysis/findings/findings.ts';
import type { Rule } from '../../../analysis/findings/rule.ts';
import type { Scan } from '../../../analysis/findings/scan.ts';
import type { Answer } from '../../answer.ts';
import { EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import type { DecodeOptions } from '../../object-decoder.ts';
import { bisectionPage } from '../../render/inspect/bisect.ts';
import { atLeast, countUnread, findingView, scanFile } from './findings.ts';
import { type RuleOptions, rulesFor } from './rules.ts';

export interface BisectOptions extends DecodeOptions, RuleOptions {
  readonly baseline?: string;
  readonly severity: Severity;
  /** All snapshots in this directory, beside those that are named. */
  readonly catalogue?: string;
}

/** The last clean one of many snapshots, and what ended cleanness; ends with 8 where anything did. */
export async function bisectSnapshots(
  invocation: Invocation,
  named: readonly string[],
  options: BisectOptions,
): Promise<Answer> {
  const files = [...named, ...(options.catalogue === undefined ? [] : await snapshotsIn(options.catalogue))];
  if (files.length === 0) {
    throw new LockstepError('USAGE', { message: 'Name snapshots, or a directory of them with --catalogue.' });
  }
  const rules = await rulesFor(invocation, options);
  const { baseline } = options;
  const before = baseline === undefined ? undefined : scanFile(invocation, baseline, rules, options);
  const looked: Looked[] = [];
  for (const file of new Set(files)) {
    invocation.signal.throwIfAborted();
    looked.push(look(invocation, file, rules, before, options));
    // Ctrl-C is heard between two of them: a scan does not yield.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return answerOf(bisect(looked), baseline);
}

function look(
  invocation: Invocation,
  file: string,
  rules: readonly Rule[],
  before: Scan | undefined,
  options: BisectOptions,
): Looked {
  const found = scanFile(invocation, file, rules, options);
  return {
    file,
    revision: found.facts.revision,
    takenAtMs: takenAt(file),
    findings: atLeast(findingsOf(found, before), options.severity),
    unread: countUnread(found.unread),
  };
}

function answerOf(bisection: Bisection, baseline: string | undefined): Answer {
  const { snapshots, lastClean, firstUnclean, ended, cleanAgain } = bisection;
  return {
    data: {
      baseline: baseline ?? '',
      lastClean: lastClean?.file ?? '',
      firstUnclean: firstUnclean?.file ?? '',
      ended: ended.map((finding) => ({ ...findingView(finding), first: earliestObject(finding).key })),
      cleanAgain: cleanAgain.map(({ file }) => file),
      snapshots: snapshots.map(({ file, revision, takenAtMs, findings, unread }) => ({
        file,
        revision,
        takenAt: takenAtMs === undefined ? '' : new Date(takenAtMs).toISOString(),
        findings: findings.map(({ id, severity, subject }) => ({ id, severity, subject })),
        unread,
      })),
    },
    names: lastClean === undefined ? [] : [lastClean.file],
    render: (layout) => bisectionPage(layout, bisection),
    exit: firstUnclean === undefined ? EXIT.done : EXIT.findings,
    code: firstUnclean !== undefined ? '' : snapshots.some(({ unread }) => unread > 0) ? 'PARTLY_READ' : 'OK',
  };
}

async function snapshotsIn(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory);
    return names.filter((name) => name.endsWith('.db')).map((name) => join(directory, name));
  } catch (cause) {
    throw new LockstepError('SNAPSHOT_NOT_FOUND', { message: `${directory} cannot be read.`, cause });
  }
}

/** By the card beside the file, where there is one; whether its seals hold is not asked here. */
function takenAt(file: string): number | undefined {
  try {
    const { card } = parseCardFile(readFileSync(file.replace(/\.db$/u, '.json'), 'utf8'));
    const takenAtMs = Date.parse(card.takenAt);
    return Number.isNaN(takenAtMs) ? undefined : takenAtMs;
  } catch {
    return undefined;
  }
}

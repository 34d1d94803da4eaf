import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { parseCardFile } from '@lockstep/shared/seal/card-file.ts';
import {
  type Bisection,
  bisect,
  earliestObject,
  type Looked,
  type Unreadable,
} from '../../../analysis/findings/bisect.ts';
import type { Severity } from '../../../analysis/findings/finding.ts';
import { findingsOf } from '../../../analysis/findings/findings.ts';
import type { Rule } from '../../../analysis/findings/rule.ts';
import type { Scan } from '../../../analysis/findings/scan.ts';
import type { Answer } from '../../answer.ts';
import { EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import type { DecodeOptions } from '../../object-decoder.ts';
import { oneLine } from '../../plain.ts';
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
  const { rules, unjudged } = await rulesFor(invocation, options);
  for (const path of unjudged) {
    invocation.terminal.err(`note: whether the seal of ${oneLine(path)} holds was not judged: give --ca\n`);
  }
  const { baseline } = options;
  const before = baseline === undefined ? undefined : scanFile(invocation, baseline, rules, options);
  const looked: Looked[] = [];
  const unreadable: Unreadable[] = [];
  let first: LockstepError | undefined;
  for (const file of new Set(files)) {
    invocation.signal.throwIfAborted();
    try {
      looked.push(look(invocation, file, rules, before, options));
    } catch (thrown) {
      // One that is torn must not hide what the others tell.
      if (!isUnreadable(thrown)) throw thrown;
      unreadable.push({ file, code: thrown.code, message: thrown.message });
      first ??= thrown;
    }
    // Ctrl-C is heard between two of them: a scan does not yield.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (looked.length === 0) throw first;
  return answerOf(bisect(looked), unreadable, baseline);
}

function isUnreadable(thrown: unknown): thrown is LockstepError {
  return (
    thrown instanceof LockstepError &&
    (thrown.code.startsWith('SNAPSHOT_') || thrown.code === 'FILE_NOT_READABLE')
  );
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

function answerOf(
  bisection: Bisection,
  unreadable: readonly Unreadable[],
  baseline: string | undefined,
): Answer {
  const { snapshots, lastClean, firstUnclean, ended, cleanAgain } = bisection;
  const partly = unreadable.length > 0 || snapshots.some(({ unread }) => unread > 0);
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
      unreadable,
    },
    names: lastClean === undefined ? [] : [lastClean.file],
    render: (layout) => bisectionPage(layout, bisection, unreadable),
    exit: firstUnclean === undefined ? EXIT.done : EXIT.findings,
    code: firstUnclean !== undefined ? '' : partly ? 'PARTLY_READ' : 'OK',
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

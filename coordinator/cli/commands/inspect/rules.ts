import { closeSync, fstatSync, readFileSync } from 'node:fs';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { openPlainFile } from '@lockstep/shared/plain-file.ts';
import { builtInRules } from '../../../analysis/findings/built-in.ts';
import type { RuleCard } from '../../../analysis/findings/finding.ts';
import { type ManifestsOnRecord, manifestRule } from '../../../analysis/findings/manifest-rule.ts';
import type { Rule } from '../../../analysis/findings/rule.ts';
import { MAX_RULE_FILE_BYTES, parseRuleFile } from '../../../analysis/findings/rule-file.ts';
import type { Invocation } from '../../invocation.ts';
import { readSoundArchive } from '../../report-files.ts';

export interface RuleOptions {
  /** Files of rules of one's own. */
  readonly rules: readonly string[];
  /** Archives that agents gathered. */
  readonly evidence: readonly string[];
  /** Of the cluster in which they were gathered. */
  readonly ca?: string;
}

export interface RuleSet {
  readonly rules: readonly Rule[];
  /** Archives whose seal nobody judged, because no CA was known. */
  readonly unjudged: readonly string[];
}

/** Ours, then the user's, then what the archives say. Throws CONFIG_INVALID, FILE_NOT_READABLE and what a broken archive throws. */
export async function rulesFor(invocation: Invocation, options: RuleOptions): Promise<RuleSet> {
  const rules: Rule[] = [...builtInRules()];
  for (const path of options.rules) rules.push(...newRules(path, rules));
  const { records, unjudged } = await manifestsOnRecord(invocation, options);
  if (records.length > 0) rules.push(manifestRule(records));
  return { rules, unjudged };
}

/** Throws CONFIG_INVALID where an id is taken: findings are told apart by it. */
function newRules(path: string, known: readonly Rule[]): Rule[] {
  const rules = readRules(path);
  const taken = rules.find(({ id }) => known.some((other) => other.id === id));
  if (taken === undefined) return rules;
  throw new LockstepError('CONFIG_INVALID', {
    message: `${path}: there is another rule of the id ${taken.id}; \`lockstep inspect findings --list\` names ours.`,
  });
}

function readRules(path: string): Rule[] {
  const fd = openPlainFile(path);
  try {
    const { size } = fstatSync(fd);
    if (size > MAX_RULE_FILE_BYTES) {
      throw new LockstepError('CONFIG_INVALID', {
        message: `${path} has ${size} bytes: a file of rules has at most ${MAX_RULE_FILE_BYTES}.`,
      });
    }
    return parseRuleFile(readFileSync(fd, 'utf8'), path);
  } finally {
    closeSync(fd);
  }
}

async function manifestsOnRecord(
  invocation: Invocation,
  { evidence, ca }: RuleOptions,
): Promise<{ readonly records: readonly ManifestsOnRecord[]; readonly unjudged: readonly string[] }> {
  const records: ManifestsOnRecord[] = [];
  const unjudged: string[] = [];
  for (const path of evidence) {
    const { manifest, accounts, sealJudged } = await readSoundArchive(path, ca, invocation.location);
    const pods = new Set(accounts.manifests.map(({ pod }) => `${pod}-${manifest.node}`));
    records.push({ node: manifest.node, pods });
    if (!sealJudged) unjudged.push(path);
  }
  return { records, unjudged };
}

/** A rule as `--list` shows it. */
export function cardOf({ id, title, techniques, severity, why, innocent }: RuleCard): RuleCard {
  return { id, title, techniques, severity, why, innocent };
}

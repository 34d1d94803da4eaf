import { type Finding, SEVERITIES, type Severity, severityRank } from '../../../analysis/findings/finding.ts';
import { findingsOf } from '../../../analysis/findings/findings.ts';
import type { Rule } from '../../../analysis/findings/rule.ts';
import { type Scan, scan, type Unread } from '../../../analysis/findings/scan.ts';
import type { Answer } from '../../answer.ts';
import { withEvidence } from '../../evidence-file.ts';
import { EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { type DecodeOptions, decoderFor } from '../../object-decoder.ts';
import { findingsPage, ruleTable } from '../../render/inspect/findings.ts';
import { cardOf, type RuleOptions, rulesFor } from './rules.ts';

export interface FindingsOptions extends DecodeOptions, RuleOptions {
  readonly baseline?: string;
  readonly severity: Severity;
}

/** What rules make of a store; ends with 8 where they find anything. */
export async function showFindings(
  invocation: Invocation,
  file: string,
  options: FindingsOptions,
): Promise<Answer> {
  const { rules, unjudged } = await rulesFor(invocation, options);
  const found = scanFile(invocation, file, rules, options);
  const { baseline } = options;
  const before = baseline === undefined ? undefined : scanFile(invocation, baseline, rules, options);
  const findings = atLeast(findingsOf(found, before), options.severity);
  const notTold = notToldOf(options, unjudged);
  const { facts, unread } = found;
  const head = { file, baseline: baseline ?? '', revision: facts.revision };
  return {
    data: { ...head, findings: findings.map(findingView), unread, notTold },
    names: findings.map(({ id, subject }) => `${id} ${subject}`),
    render: (layout) => findingsPage(layout, { ...head, findings, unread, notTold }),
    exit: findings.length > 0 ? EXIT.findings : EXIT.done,
    // "OK" would say that all of it was looked into.
    code: findings.length > 0 ? '' : unread.length > 0 ? 'PARTLY_READ' : 'OK',
  };
}

export async function listRules(invocation: Invocation, options: RuleOptions): Promise<Answer> {
  const { rules: all } = await rulesFor(invocation, options);
  const rules = [...all].sort(
    (a, b) => severityRank(b.severity) - severityRank(a.severity) || (a.id < b.id ? -1 : 1),
  );
  return {
    data: { rules: rules.map((rule) => ({ ...cardOf(rule), reports: rule.reports })) },
    names: rules.map(({ id }) => id),
    render: (layout) => ruleTable(layout, rules),
  };
}

export function scanFile(
  invocation: Invocation,
  file: string,
  rules: readonly Rule[],
  options: DecodeOptions,
): Scan {
  return withEvidence(invocation, file, (evidence) => scan(evidence, decoderFor(evidence, options), rules));
}

export function atLeast(findings: readonly Finding[], severity: Severity): Finding[] {
  return findings.filter((finding) => severityRank(finding.severity) >= SEVERITIES.indexOf(severity));
}

/** What the evidence at hand says nothing of, whatever it holds. */
function notToldOf({ baseline, evidence }: FindingsOptions, unjudged: readonly string[]): string[] {
  const notTold: string[] = [];
  if (baseline === undefined) notTold.push('what is new or changed: no baseline was given');
  if (evidence.length === 0) {
    notTold.push('whether each static pod has a manifest on its node: no evidence of the nodes was given');
  }
  for (const path of unjudged) {
    notTold.push(`whether the seal of ${path} holds: no CA was given (--ca)`);
  }
  return notTold;
}

/** What a trait is compared by is a digest of a secret, and stays here. */
export function findingView(finding: Finding): object {
  return {
    ...finding,
    objects: finding.objects.map((object) => ({
      ...object,
      traits: object.traits.map(({ same: _same, ...trait }) => trait),
    })),
  };
}

export function countUnread(unread: readonly Unread[]): number {
  return unread.reduce((sum, { count }) => sum + count, 0);
}

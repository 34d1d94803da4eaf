import { compileRule, type DeclaredRule } from './declared-rule.ts';
import type { Rule } from './rule.ts';
import { accountRules } from './rules/accounts.ts';
import { certificateRules } from './rules/certificates.ts';
import { exposureRules } from './rules/exposure.ts';
import { hijackRules } from './rules/hijack.ts';
import { podRules } from './rules/pods.ts';
import { scheduleRules } from './rules/schedules.ts';
import { secretRules } from './rules/secrets.ts';
import { traceRules } from './rules/traces.ts';

/** Those that are data, in the form in which anyone can write more. */
export const declaredRules: readonly DeclaredRule[] = [
  ...accountRules,
  ...secretRules,
  ...podRules,
  ...hijackRules,
  ...scheduleRules,
  ...exposureRules,
];

export function builtInRules(): readonly Rule[] {
  return [...declaredRules.map(compileRule), ...certificateRules, ...traceRules];
}

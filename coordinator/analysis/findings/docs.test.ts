import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { builtInRules } from './built-in.ts';
import { manifestRule } from './manifest-rule.ts';
import { parseRuleFile } from './rule-file.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/findings.md'), 'utf8');

it('docs/findings.md has a line for every rule, as the rule is', () => {
  const rules = [...builtInRules(), manifestRule([])];
  const wanted = rules.map(
    ({ id, severity, techniques, title }) =>
      `| \`${id}\` | ${severity} | ${techniques.join(', ')} | ${title} |`,
  );
  const lines = page.split('\n').filter((line) => line.startsWith('| `LS-'));
  expect([...lines].sort()).toEqual([...wanted].sort());
});

it('the rules that docs/findings.md shows can be loaded', () => {
  const shown = [...page.matchAll(/```yaml\n(rules:[\s\S]*?)```/g)].map(([, text]) => text ?? '');
  expect(shown.length).toBeGreaterThan(0);
  for (const text of shown) expect(parseRuleFile(text, 'docs/findings.md').length).toBeGreaterThan(0);
});

import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { declaredRules } from './built-in.ts';
import { parseRuleFile } from './rule-file.ts';

const RULE = `rules:
  - id: ACME-foreign-registry
    title: An image comes from a registry that is not ours
    techniques: [T1525]
    severity: medium
    why: Only our registry is scanned.
    innocent: A trial.
    select: { resources: [pods], namespaces: ["team-*"] }
    where:
      - some: containers[*]
        where:
          - not: { path: image, matches: '^registry\\.acme\\.example/' }
    show: [spec.nodeName]
`;

describe('a file of rules', () => {
  it('is read, and its rules work', () => {
    const [rule] = parseRuleFile(RULE, 'our.yaml');
    const pod = (image: string) => ({ kind: 'Pod', spec: { containers: [{ name: 'main', image }] } });
    const place = { resource: 'pods', namespace: 'team-01', name: 'web' };
    expect(rule?.selects(place)).toBe(true);
    expect(rule?.selects({ ...place, namespace: 'other' })).toBe(false);
    expect(rule?.traits(pod('evil.example/web'), place)).not.toEqual([]);
    expect(rule?.traits(pod('registry.acme.example/web'), place)).toEqual([]);
  });

  it('may hold our own rules as they are', () => {
    const text = stringify({ rules: declaredRules }, { aliasDuplicateObjects: false });
    expect(parseRuleFile(text, 'ours.yaml').map(({ id }) => id)).toEqual(declaredRules.map(({ id }) => id));
  });

  it.each([
    ['severity: medium', 'severity: awful', /our\.yaml, line 5: rules\.0\.severity/],
    ['techniques: [T1525]', 'techniques: [1525]', /line 4: rules\.0\.techniques\.0/],
    ['path: image, matches', 'path: image, resembles', /line 12: .*resembles/],
    ["matches: '^registry", "matches: '(^registry", /line 2: rules\.0 \(ACME-foreign-registry\): a bracket/],
    ['some: containers[*]', 'some: containers[', /rules\.0 .*is no path/],
    ['    show: [spec.nodeName]', '    shows: [spec.nodeName]', /rules\.0: .*shows/],
    ['    innocent: A trial.\n', '', /line 2: rules\.0\.innocent/],
    ['rules:', 'rules: [', /line \d+: the file: it is no YAML/],
  ])('without "%s" but "%s" is refused by line and field', (was, is, message) => {
    expect(() => parseRuleFile(RULE.replace(was, is), 'our.yaml')).toThrow(message);
  });

  it('with a second document is refused: it would be left out in silence', () => {
    expect(() => parseRuleFile(`${RULE}---\n${RULE}`, 'our.yaml')).toThrow(
      /line 14: the file: a second document/,
    );
  });

  it('with two rules of one id is refused', () => {
    expect(() => parseRuleFile(RULE + RULE.replace('rules:\n', ''), 'our.yaml')).toThrow('twice');
  });
});

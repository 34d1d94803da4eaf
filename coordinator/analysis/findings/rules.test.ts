import { describe, expect, it } from 'vitest';
import { builtInRules } from './built-in.ts';
import type { ObjectRule } from './rule.ts';
import { CASES, type Sample, STOCK } from './testing/samples.ts';

const rules = new Map(builtInRules().map((rule) => [rule.id, rule]));
const objectRules = [...rules.values()].filter((rule): rule is ObjectRule => rule.kind === 'object');

/** The rule's traits of the object, as the scan asks for them. */
function traits(rule: ObjectRule, { resource, object }: Sample): readonly object[] {
  const { name = '', namespace = '' } = object['metadata'] as { name?: string; namespace?: string };
  const place = { resource, namespace, name };
  return rule.resources.includes(resource) && rule.selects(place) ? rule.traits(object, place) : [];
}

describe('rules', () => {
  it('have ids of their own and say why they matter and what would be innocent', () => {
    expect(rules.size).toBe(builtInRules().length);
    for (const { id, techniques, why, innocent } of rules.values()) {
      expect(id).toMatch(/^LS-T\d{4}(\.\d{3})?-[a-z-]+$/);
      expect(techniques.length, id).toBeGreaterThan(0);
      expect(`${why}${innocent}`, id).toMatch(/\.$/);
    }
  });

  it('that look at objects are each tried on one that they tell and on one that they do not', () => {
    const tried = new Set(CASES.map(({ rule }) => rule));
    expect(objectRules.map(({ id }) => id).filter((id) => !tried.has(id))).toEqual([]);
  });

  it.each(CASES)('$rule tells what it is for', ({ rule, tells }) => {
    const own = rules.get(rule) as ObjectRule;
    expect(own.resources).toContain(tells.resource);
    expect(traits(own, tells)).not.toEqual([]);
  });

  it.each(CASES)('$rule lets pass what is near to it', ({ rule, passes }) => {
    expect(traits(rules.get(rule) as ObjectRule, passes)).toEqual([]);
  });
});

describe('a cluster as kubeadm makes it', () => {
  it.each(STOCK)('$resource $object.metadata.name is nothing', (sample) => {
    const told = objectRules
      .filter(({ reports, resources }) => reports === 'state' && resources.includes(sample.resource))
      .filter((rule) => traits(rule, sample).length > 0)
      .map(({ id }) => id);
    expect(told).toEqual([]);
  });
});

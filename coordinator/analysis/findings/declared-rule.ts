import { type ObjectPlace, resourceName } from '../resource-name.ts';
import { type Condition, compileAll, traitsAt } from './condition.ts';
import type { RuleCard, Trait } from './finding.ts';
import { anyGlobMatches, globMatches } from './glob.ts';
import { parsePath, whole } from './path.ts';
import type { ObjectRule, Reports } from './rule.ts';

/** A rule as data: what a YAML file of rules holds, and what the simple rules of our own are written in. */
export interface DeclaredRule extends RuleCard {
  /** Default: `state`. */
  readonly reports?: Reports;
  readonly select: Selector & { readonly resources: readonly string[] };
  /** All of them; none: every object that is selected. */
  readonly where?: readonly Condition[];
  /** Paths whose values are named too; where the baseline is compared with, they are what is compared. */
  readonly show?: readonly string[];
  /** Objects that any of these fits are left alone. */
  readonly except?: readonly Exception[];
}

interface Selector {
  /** Globs. */
  readonly namespaces?: readonly string[];
  readonly names?: readonly string[];
}

export interface Exception extends Selector {
  readonly where?: readonly Condition[];
}

const PRESENT: Trait = { field: '', value: 'present' };

/** Throws an Error that says which path or pattern cannot be read. */
export function compileRule(rule: DeclaredRule): ObjectRule {
  const { select, where = [], show = [], except = [], reports = 'state', ...card } = rule;
  const test = compileAll(where);
  const paths = show.map(parsePath);
  const exceptions = except.map((exception) => ({
    ...exception,
    test: compileAll(exception.where ?? []),
  }));
  return {
    ...card,
    kind: 'object',
    reports,
    resources: select.resources,
    selects: (place) => fits(select, place),
    traits: (object, place) => {
      const { resource } = place;
      const from = whole(object);
      const met = test(from, resource);
      if (met === undefined) return [];
      if (exceptions.some((each) => fits(each, place) && each.test(from, resource) !== undefined)) return [];
      const named = traitsAt(from, paths, resource);
      // What is compared is what the rule shows: a condition only chooses.
      const traits = reports === 'state' || named.length === 0 ? [...met, ...named] : named;
      return traits.length === 0 ? [PRESENT] : distinct(traits);
    },
  };
}

function fits({ namespaces, names }: Selector, { namespace, name }: ObjectPlace): boolean {
  return anyGlobMatches(namespaces, namespace) && anyGlobMatches(names, name);
}

function distinct(traits: readonly Trait[]): Trait[] {
  return [...new Map(traits.map((trait) => [traitId(trait), trait])).values()];
}

/** Equal traits of one object are one. */
export function traitId({ field, value, same }: Trait): string {
  return `${field}\0${same ?? value}`;
}

/** "pods", "daemonsets" and "daemonsets.apps", "*.example.com": whether one of them means the resource. */
export function meansResource(patterns: readonly string[], resource: string): boolean {
  return patterns.some((pattern) => globMatches(pattern, resource) || resourceName(pattern) === resource);
}

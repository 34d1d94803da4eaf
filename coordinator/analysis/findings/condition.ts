import type { Trait } from './finding.ts';
import { type Path, type Place, parsePath, placesAt } from './path.ts';
import { compilePattern } from './pattern.ts';
import { parseQuantity } from './quantity.ts';
import { isHidden, MAX_SHOWN, sameness, shown } from './shown.ts';

export type Scalar = string | number | boolean;

/** As a rule writes it: one test of what lies at a path, or conditions put together. */
export type Condition =
  | { readonly path: string; readonly equals: Scalar }
  | { readonly path: string; readonly in: readonly Scalar[] }
  | { readonly path: string; readonly matches: string }
  /** A list has the element, or a text the words. */
  | { readonly path: string; readonly contains: Scalar }
  /** A number or a quantity ("2", "500m", "1Gi") at least as large. */
  | { readonly path: string; readonly atLeast: Scalar }
  | { readonly path: string; readonly exists: true }
  | { readonly path: string; readonly absent: true }
  /** One element at the path meets all of them; their paths begin at the element. */
  | { readonly some: string; readonly where: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition };

/** What in the object met the condition; undefined where nothing did. */
export type Test = (from: Place, resource: string) => readonly Trait[] | undefined;

/** Throws an Error that says which path or pattern cannot be read. */
export function compileCondition(condition: Condition): Test {
  if ('any' in condition) {
    const tests = condition.any.map(compileCondition);
    return (from, resource) => {
      const met = tests.flatMap((test) => {
        const traits = test(from, resource);
        return traits === undefined ? [] : [traits];
      });
      return met.length === 0 ? undefined : met.flat();
    };
  }
  if ('not' in condition) {
    const test = compileCondition(condition.not);
    return (from, resource) => (test(from, resource) === undefined ? [] : undefined);
  }
  if ('some' in condition) return someTest(parsePath(condition.some), compileAll(condition.where));
  const path = parsePath(condition.path);
  if ('absent' in condition) {
    return (from) => (placesAt(from, path).length === 0 ? [] : undefined);
  }
  const meets = valueTest(condition);
  return (from, resource) =>
    traitsOf(
      placesAt(from, path).filter(({ value }) => meets(value)),
      resource,
    );
}

/** All of them. */
export function compileAll(conditions: readonly Condition[]): Test {
  const tests = conditions.map(compileCondition);
  return (from, resource) => {
    const met: Trait[] = [];
    for (const test of tests) {
      const traits = test(from, resource);
      if (traits === undefined) return undefined;
      met.push(...traits);
    }
    return met;
  };
}

function someTest(path: Path, all: Test): Test {
  return (from, resource) => {
    const met = placesAt(from, path).flatMap((element) => {
      const traits = all(element, resource);
      if (traits === undefined) return [];
      return traits.length === 0 ? [traitOf(element, resource)] : traits;
    });
    return met.length === 0 ? undefined : met;
  };
}

function valueTest(condition: Extract<Condition, { path: string }>): (value: unknown) => boolean {
  if ('equals' in condition) return (value) => value === condition.equals;
  if ('in' in condition) {
    const wanted = new Set<unknown>(condition.in);
    return (value) => wanted.has(value);
  }
  if ('matches' in condition) {
    const pattern = compilePattern(condition.matches);
    return (value) => isScalar(value) && pattern.test(String(value));
  }
  if ('contains' in condition) {
    const { contains } = condition;
    return (value) =>
      Array.isArray(value)
        ? value.includes(contains)
        : typeof value === 'string' && value.includes(String(contains));
  }
  if ('atLeast' in condition) {
    const least = parseQuantity(condition.atLeast);
    if (least === undefined) throw new Error(`"${condition.atLeast}" is no quantity`);
    return (value) => (parseQuantity(value) ?? Number.NEGATIVE_INFINITY) >= least;
  }
  return () => true;
}

function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function traitsOf(places: readonly Place[], resource: string): readonly Trait[] | undefined {
  return places.length === 0 ? undefined : places.map((place) => traitOf(place, resource));
}

function traitOf({ field, value }: Place, resource: string): Trait {
  const text = shown(value, field, resource);
  const partly = text.length > MAX_SHOWN || isHidden(field, resource);
  return partly ? { field, value: text, same: sameness(value) } : { field, value: text };
}

/** What lies at the paths, to be named in a finding and compared with the baseline. */
export function traitsAt(from: Place, paths: readonly Path[], resource: string): Trait[] {
  return paths.flatMap((path) => traitsOf(placesAt(from, path), resource) ?? []);
}

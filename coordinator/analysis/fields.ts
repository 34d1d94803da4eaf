import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '@lockstep/shared/kubernetes/stored-object.ts';

/** One field that differs; a side where it is not there at all has none. */
export interface FieldChange {
  /** "spec.template.spec.containers[name=app].image" */
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** By these the items of a list are told apart, where each item has one of its own. */
const ITEM_KEYS = ['name', 'type', 'key', 'ip', 'uid', 'topologyKey'] as const;
const MAX_DEPTH = 64;

/** What differs between two objects, in the order of the later one's fields. Whole where only one is there. */
export function changedFields(before: JsonObject, after: JsonObject): FieldChange[] {
  const changes: FieldChange[] = [];
  compareObjects(before, after, '', 0, changes);
  return changes;
}

function compare(before: unknown, after: unknown, path: string, depth: number, changes: FieldChange[]): void {
  if (before === after || isDeepStrictEqual(before, after)) return;
  if (depth < MAX_DEPTH) {
    if (isObject(before) && isObject(after)) return compareObjects(before, after, path, depth, changes);
    if (Array.isArray(before) && Array.isArray(after)) {
      return compareLists(before, after, path, depth, changes);
    }
  }
  changes.push({ path, before, after });
}

function compareObjects(
  before: JsonObject,
  after: JsonObject,
  path: string,
  depth: number,
  changes: FieldChange[],
): void {
  for (const [name, value] of Object.entries(after)) {
    const at = join(path, name);
    if (Object.hasOwn(before, name)) compare(before[name], value, at, depth + 1, changes);
    else changes.push({ path: at, after: value });
  }
  for (const [name, value] of Object.entries(before)) {
    if (!Object.hasOwn(after, name)) changes.push({ path: join(path, name), before: value });
  }
}

function compareLists(
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
  depth: number,
  changes: FieldChange[],
): void {
  const keyOf = path === 'metadata.managedFields' ? managerOf : commonKey(before, after);
  if (keyOf === undefined) {
    // Words and numbers say more as a whole list than one by one.
    if (![...before, ...after].some(isObject)) return void changes.push({ path, before, after });
    for (let index = 0; index < Math.max(before.length, after.length); index++) {
      const at = `${path}[${index}]`;
      if (index >= before.length) changes.push({ path: at, after: after[index] });
      else if (index >= after.length) changes.push({ path: at, before: before[index] });
      else compare(before[index], after[index], at, depth + 1, changes);
    }
    return;
  }
  const was = new Map(before.map((item) => [keyOf(item), item]));
  for (const item of after) {
    const key = keyOf(item);
    const at = `${path}[${key}]`;
    if (was.has(key)) compare(was.get(key), item, at, depth + 1, changes);
    else changes.push({ path: at, after: item });
    was.delete(key);
  }
  for (const [key, item] of was) changes.push({ path: `${path}[${key}]`, before: item });
}

type KeyOf = (item: unknown) => string;

/** The first of the usual keys that every item of both lists has, and no two of one list share. */
function commonKey(before: readonly unknown[], after: readonly unknown[]): KeyOf | undefined {
  for (const name of ITEM_KEYS) {
    const keyOf: KeyOf = (item) => `${name}=${String((item as JsonObject)[name])}`;
    const tells = (items: readonly unknown[]): boolean =>
      items.every((item) => isObject(item) && typeof item[name] === 'string') &&
      new Set(items.map(keyOf)).size === items.length;
    if (before.length + after.length > 0 && tells(before) && tells(after)) return keyOf;
  }
  return undefined;
}

/** An entry of managedFields is one manager's with one operation on one subresource. */
function managerOf(item: unknown): string {
  const { manager = '', operation = '', subresource = '' } = item as Record<string, string | undefined>;
  return [manager, operation, subresource].filter((part) => part !== '').join(' ');
}

function join(path: string, name: string): string {
  if (!/^[\w-]+$/u.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export type Json = Record<string, unknown>;

/** Key, value, key, value, … as an object in the order of keys, as Go prints maps. */
export function sorted(entries: unknown[]): Json {
  const object: Json = {};
  let last = '';
  for (let index = 0; index < entries.length; index += 2) {
    const key = entries[index] as string;
    if (key < last) return sorted(sortedEntries(entries));
    last = key;
    put(object, key, entries[index + 1]);
  }
  return object;
}

function sortedEntries(entries: unknown[]): unknown[] {
  const byKey = new Map<unknown, unknown>();
  for (let index = 0; index < entries.length; index += 2) byKey.set(entries[index], entries[index + 1]);
  const keys = [...byKey.keys()] as string[];
  return keys.sort((a, b) => (a < b ? -1 : 1)).flatMap((key) => [key, byKey.get(key)]);
}

/** As a key of its own, also where it is called "__proto__". */
export function put(object: Json, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  } else object[key] = value;
}

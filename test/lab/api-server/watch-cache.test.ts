import { expect, test } from 'vitest';
import { type Change, type StoredObject, WatchCache } from './watch-cache.ts';

const object = (key: string, modRevision: bigint): StoredObject => ({
  key,
  value: Buffer.from(`${key}@${modRevision}`),
  createRevision: modRevision,
  modRevision,
});

function filled(): WatchCache {
  const cache = new WatchCache();
  cache.replace([object('/pods/a', 5n), object('/pods/b', 8n), object('/nodes/n', 9n)], 10n);
  return cache;
}

function watching(cache: WatchCache, since: bigint): { seen: Change[]; lost: () => boolean } {
  const seen: Change[] = [];
  let isLost = false;
  const { backlog } = cache.subscribe(since, {
    onChange: (change) => seen.push(change),
    onLost: () => {
      isLost = true;
    },
  });
  seen.unshift(...backlog);
  return { seen, lost: () => isLost };
}

const brief = (changes: readonly Change[]): string[] =>
  changes.map((change) => `${change.type} ${change.object.key}@${change.object.modRevision}`);

test('a watcher gets what happened since its revision, and what follows', () => {
  const cache = filled();
  cache.put(object('/pods/a', 11n));
  cache.put(object('/pods/c', 12n));
  const { seen } = watching(cache, 11n);
  cache.remove('/pods/b', 13n);
  expect(brief(seen)).toEqual(['ADDED /pods/c@12', 'DELETED /pods/b@13']);
  expect(cache.revision).toBe(13n);
});

test('a watcher from before the last list is refused, from the list itself it is not', () => {
  const cache = filled();
  expect(() => cache.subscribe(9n, { onChange: () => {}, onLost: () => {} })).toThrow(
    'too old resource version: 9 (10)',
  );
  expect(watching(cache, 10n).seen).toEqual([]);
});

test('a watcher from the future hears nothing until the store has caught up', () => {
  const cache = filled();
  const { seen } = watching(cache, 12n);
  cache.put(object('/pods/a', 11n));
  cache.put(object('/pods/a', 12n));
  cache.put(object('/pods/a', 13n));
  expect(brief(seen)).toEqual(['MODIFIED /pods/a@13']);
});

test('a new list sends every watcher away', () => {
  const cache = filled();
  const { lost } = watching(cache, 10n);
  cache.replace([], 20n);
  expect(lost()).toBe(true);
  expect(() => cache.subscribe(10n, { onChange: () => {}, onLost: () => {} })).toThrow('too old');
});

test('the window is bounded: whoever comes from before it is refused', () => {
  const cache = filled();
  for (let revision = 11n; revision <= 10_020n; revision += 1n) cache.put(object('/pods/a', revision));
  expect(() => cache.subscribe(19n, { onChange: () => {}, onLost: () => {} })).toThrow('too old');
  expect(watching(cache, 20n).seen).toHaveLength(10_000);
});

test('a revision that changes no key is reached all the same', async () => {
  const cache = filled();
  const reached = cache.reached(12n, AbortSignal.timeout(1_000));
  cache.advance(12n);
  expect(await reached).toBe(true);
  expect(await cache.reached(13n, AbortSignal.abort())).toBe(false);
});

test('a list is in the order of keys', () => {
  expect(
    filled()
      .list('/pods/')
      .map(({ key }) => key),
  ).toEqual(['/pods/a', '/pods/b']);
});

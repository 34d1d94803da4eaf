import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { SnapshotCard, StoredCopy } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, it } from 'vitest';
import type { Store } from './ports.ts';
import { findCopy, listStore, namesOf, writeCard } from './stored-cards.ts';

const never = new AbortController().signal;

function storeOf(objects: Map<string, Buffer>): Store {
  return {
    name: 'disk',
    async put(name, bytes) {
      const parts: Uint8Array[] = [];
      for await (const part of bytes) parts.push(part);
      objects.set(name, Buffer.concat(parts));
    },
    async *get(name) {
      const found = objects.get(name);
      if (found === undefined) throw new LockstepError('COPY_NOT_FOUND');
      yield found;
    },
    list: async () => [...objects].map(([name, bytes]) => ({ name, sizeBytes: bytes.length })),
    head: async (name) => {
      const found = objects.get(name);
      return found === undefined ? undefined : { name, sizeBytes: found.length };
    },
    remove: async (name) => void objects.delete(name),
  };
}

async function put(objects: Map<string, Buffer>, id: string): Promise<void> {
  objects.set(namesOf(id).bytes, Buffer.from('bytes'));
  const card = SnapshotCard.fromPartial({ id, cluster: 'lab' });
  const copy = StoredCopy.fromPartial({ snapshotId: id, store: 'disk', sizeBytes: 5n });
  await writeCard(storeOf(objects), { card, sealed: undefined }, copy, never);
}

describe('a store', () => {
  it('is listed from its cards, however it is called now', async () => {
    const objects = new Map<string, Buffer>();
    await put(objects, 's-1');
    await put(objects, 's-2');
    const { copies, failures } = await listStore({ ...storeOf(objects), name: 'renamed' }, never);
    expect(copies.map(({ store, carried }) => [store, carried.card.id])).toEqual([
      ['renamed', 's-1'],
      ['renamed', 's-2'],
    ]);
    expect(failures).toEqual([]);
  });

  it.each<[string, (objects: Map<string, Buffer>) => void, string]>([
    [
      'a card that is none',
      (all) => all.set('s-2.card.json', Buffer.from('{"cardJson": 1}')),
      's-2.card.json',
    ],
    ['a card that is no JSON', (all) => all.set('s-2.card.json', Buffer.from('PK\u0003')), 's-2.card.json'],
    ['a card without bytes', (all) => all.delete('s-2.snap'), 's-2.card.json'],
    ['bytes that were cut off', (all) => all.set('s-2.snap', Buffer.from('byt')), 's-2.snap'],
    ['bytes without a card', (all) => all.delete('s-2.card.json'), 's-2.snap'],
    ['a card under another name', (all) => rename(all, 's-2.card.json', 's-3.card.json'), 's-3.card.json'],
    ['a stranger', (all) => all.set('holiday.jpg', Buffer.from('x')), 'holiday.jpg'],
  ])('with %s tells so, and lists the rest', async (_what, damage, named) => {
    const objects = new Map<string, Buffer>();
    await put(objects, 's-1');
    await put(objects, 's-2');
    damage(objects);
    const { copies, failures } = await listStore(storeOf(objects), never);
    expect(copies.map(({ carried }) => carried.card.id)).toContain('s-1');
    expect(failures.length).toBeGreaterThan(0);
    expect(failures.map(({ code }) => code)).toEqual(failures.map(() => 'COPY_DAMAGED'));
    expect(failures.map(({ message }) => message).join(' ')).toContain(named);
  });

  it('has no copy before its card is there', async () => {
    const objects = new Map<string, Buffer>([['s-1.snap', Buffer.from('bytes')]]);
    expect(await findCopy(storeOf(objects), 's-1', never)).toBeUndefined();
    await put(objects, 's-1');
    expect((await findCopy(storeOf(objects), 's-1', never))?.copy.sizeBytes).toBe(5n);
  });
});

function rename(objects: Map<string, Buffer>, from: string, to: string): void {
  const bytes = objects.get(from);
  if (bytes !== undefined) objects.set(to, bytes);
  objects.delete(from);
}

import { systemClock } from '@lockstep/shared/clock.ts';
import { describe, expect, it } from 'vitest';
import { EffectSlot } from './effect-slot.ts';

describe('effect slot', () => {
  it('lets one in and gives up on patience', async () => {
    const slot = new EffectSlot(systemClock);
    const first = await slot.acquire(0);
    expect(first).toBeDefined();
    expect(slot.isTaken).toBe(true);
    await expect(slot.acquire(5)).resolves.toBeUndefined();
    first?.[Symbol.dispose]();
    expect(slot.isTaken).toBe(false);
  });

  it('hands over in order, never to two', async () => {
    const slot = new EffectSlot(systemClock);
    let inside = 0;
    let most = 0;
    const order: number[] = [];
    const enter = async (index: number): Promise<void> => {
      using held = await slot.acquire(1_000);
      if (held === undefined) throw new Error('not let in');
      inside += 1;
      most = Math.max(most, inside);
      order.push(index);
      await new Promise((resolve) => setTimeout(resolve, 1));
      inside -= 1;
    };
    await Promise.all([0, 1, 2, 3].map(enter));
    expect(most).toBe(1);
    expect(order).toStrictEqual([0, 1, 2, 3]);
    expect(slot.isTaken).toBe(false);
  });

  it('releases once, however often it is told', async () => {
    const slot = new EffectSlot(systemClock);
    const first = await slot.acquire(0);
    first?.[Symbol.dispose]();
    const second = await slot.acquire(0);
    first?.[Symbol.dispose]();
    expect(second).toBeDefined();
    expect(slot.isTaken).toBe(true);
  });

  it('lets a few wait, and sends the next away at once', async () => {
    const slot = new EffectSlot(systemClock);
    using _first = await slot.acquire(0);
    const waiting = Array.from({ length: 4 }, () => slot.acquire(200));
    const startedMs = performance.now();
    await expect(slot.acquire(60_000)).resolves.toBeUndefined();
    expect(performance.now() - startedMs).toBeLessThan(30_000);
    expect(await Promise.all(waiting)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('is taken from the moment that it is handed over', async () => {
    const slot = new EffectSlot(systemClock);
    const first = await slot.acquire(0);
    const second = slot.acquire(60_000);
    first?.[Symbol.dispose]();
    const third = slot.acquire(0);
    expect(slot.isTaken).toBe(true);
    expect([await third, (await second) !== undefined]).toEqual([undefined, true]);
  });
});

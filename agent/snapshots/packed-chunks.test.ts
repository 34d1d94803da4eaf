import type { ReadSnapshotResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { describe, expect, it } from 'vitest';
import { PackedChunks } from './packed-chunks.ts';

const KB = 1024;

describe('packed chunks', () => {
  it('are packed once for all who ask while it is packed, and afterwards', async () => {
    const packed = new PackedChunks();
    using _a = packed.use('file');
    const packing = new Packing();
    const [first, second] = [packed.get('file', 0, packing.pack), packed.get('file', 0, packing.pack)];
    packing.finish(KB);
    expect(await first).toBe(await second);
    expect(await packed.get('file', 0, packing.pack)).toBe(await first);
    expect(packing.times).toBe(1);
    expect(packed.heldBytes).toBe(KB);
  });

  it('are told apart by file and offset', async () => {
    const packed = new PackedChunks();
    const packing = new Packing();
    const asked = [
      packed.get('file', 0, packing.pack),
      packed.get('file', KB, packing.pack),
      packed.get('file, changed', 0, packing.pack),
    ];
    packing.finish(KB);
    expect(new Set(await Promise.all(asked)).size).toBe(3);
  });

  it('are dropped, the oldest first, where they are more than may be held', async () => {
    const packed = new PackedChunks(2 * KB);
    const packing = new Packing();
    for (const offset of [0, 1, 2]) {
      const chunk = packed.get('file', offset, packing.pack);
      packing.finish(KB);
      await chunk;
    }
    expect(packed.heldBytes).toBe(2 * KB);
    void packed.get('file', 2, packing.pack);
    void packed.get('file', 1, packing.pack);
    expect(packing.times).toBe(3);
    void packed.get('file', 0, packing.pack);
    expect(packing.times).toBe(4);
  });

  it('are dropped with the last who uses the file, and those of another file stay', async () => {
    const packed = new PackedChunks();
    const packing = new Packing();
    const [one, two, other] = [packed.use('file'), packed.use('file'), packed.use('other')];
    const asked = [packed.get('file', 0, packing.pack), packed.get('other', 0, packing.pack)];
    packing.finish(KB);
    await Promise.all(asked);
    one[Symbol.dispose]();
    expect(packed.heldBytes).toBe(2 * KB);
    two[Symbol.dispose]();
    expect(packed.heldBytes).toBe(KB);
    other[Symbol.dispose]();
    expect(packed.heldBytes).toBe(0);
  });

  it('holds nothing of a chunk that was packed after the last who used its file had gone', async () => {
    const packed = new PackedChunks();
    const packing = new Packing();
    const used = packed.use('file');
    const chunk = packed.get('file', 0, packing.pack);
    used[Symbol.dispose]();
    packing.finish(KB);
    await chunk;
    expect(packed.heldBytes).toBe(0);
  });

  it('are packed anew by the next who asks where packing failed', async () => {
    const packed = new PackedChunks();
    const packing = new Packing();
    const failed = packed.get('file', 0, packing.pack);
    packing.fail(new Error('the file shrank'));
    await expect(failed).rejects.toThrow('the file shrank');
    void packed.get('file', 0, packing.pack);
    expect(packing.times).toBe(2);
  });
});

/** Packs when it is told to. */
class Packing {
  times = 0;
  #open: PromiseWithResolvers<ReadSnapshotResponse>[] = [];

  readonly pack = (): Promise<ReadSnapshotResponse> => {
    this.times += 1;
    const one = Promise.withResolvers<ReadSnapshotResponse>();
    this.#open.push(one);
    return one.promise;
  };

  finish(sizeBytes: number): void {
    for (const one of this.#open.splice(0)) {
      one.resolve({
        offsetBytes: 0n,
        data: Buffer.alloc(sizeBytes),
        compressed: false,
        sha256: '',
        plainSizeBytes: BigInt(sizeBytes),
        totalSizeBytes: BigInt(sizeBytes),
      });
    }
  }

  fail(error: Error): void {
    for (const one of this.#open.splice(0)) one.reject(error);
  }
}

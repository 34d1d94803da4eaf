import type { ReadSnapshotResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';

/**
 * What is held of packed chunks, all files together. Nodes that pull side by side drift apart by
 * less; who falls further behind has his chunks packed anew.
 */
export const MAX_HELD_BYTES = 32 * 1024 * 1024;

interface Held {
  readonly file: string;
  readonly chunk: Promise<ReadSnapshotResponse>;
  /** 0 while it is being packed. */
  sizeBytes: number;
}

/**
 * Chunks as they go over the wire, packed once for all who pull the same file side by side: to
 * pack one takes several times what it takes to send it. Holds nothing once nobody pulls.
 */
export class PackedChunks {
  readonly #maxHeldBytes: number;
  readonly #held = new Map<string, Held>();
  readonly #users = new Map<string, number>();
  #heldBytes = 0;

  constructor(maxHeldBytes: number = MAX_HELD_BYTES) {
    this.#maxHeldBytes = maxHeldBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** For as long as someone uses the file, its chunks are held. `file` changes when its bytes do. */
  use(file: string): Disposable {
    this.#users.set(file, (this.#users.get(file) ?? 0) + 1);
    return { [Symbol.dispose]: () => this.#leave(file) };
  }

  /** The chunk at this offset: the one that is held, or being packed, else `pack`s it. */
  get(
    file: string,
    offset: number,
    pack: () => Promise<ReadSnapshotResponse>,
  ): Promise<ReadSnapshotResponse> {
    const key = `${file} ${offset}`;
    const found = this.#held.get(key);
    if (found !== undefined) return found.chunk;
    const held: Held = { file, chunk: pack(), sizeBytes: 0 };
    this.#held.set(key, held);
    held.chunk.then(
      ({ data }) => this.#packed(key, held, data.length),
      // What failed for one is tried anew by the next who asks.
      () => this.#drop(key, held),
    );
    return held.chunk;
  }

  #packed(key: string, held: Held, sizeBytes: number): void {
    if (this.#held.get(key) !== held) return;
    held.sizeBytes = sizeBytes;
    this.#heldBytes += sizeBytes;
    // The oldest first: all who pull go through the file in one direction.
    for (const [oldest, each] of this.#held) {
      if (this.#heldBytes <= this.#maxHeldBytes) return;
      if (each.sizeBytes > 0) this.#drop(oldest, each);
    }
  }

  #drop(key: string, held: Held): void {
    if (this.#held.get(key) !== held) return;
    this.#held.delete(key);
    this.#heldBytes -= held.sizeBytes;
  }

  #leave(file: string): void {
    const left = (this.#users.get(file) ?? 1) - 1;
    if (left > 0) {
      this.#users.set(file, left);
      return;
    }
    this.#users.delete(file);
    for (const [key, held] of this.#held) if (held.file === file) this.#drop(key, held);
  }
}

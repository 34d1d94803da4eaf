const CHUNK = 1 << 22;

/**
 * Whether every state can reach an end by what happens by itself, without a fault: the edges are
 * kept, and gone back along from the ends.
 */
export class Liveness {
  readonly #from = new Column();
  readonly #to = new Column();
  readonly #ends: number[] = [];

  edge(from: number, to: number): void {
    this.#from.push(from);
    this.#to.push(to);
  }

  end(state: number): void {
    this.#ends.push(state);
  }

  mark(): number {
    return this.#from.size;
  }

  /** Forgets the edges since the mark. */
  rewind(mark: number): void {
    this.#from.size = mark;
    this.#to.size = mark;
  }

  /** A state that cannot reach an end, or -1. */
  unreached(states: number): number {
    const starts = new Int32Array(states + 1);
    for (let edge = 0; edge < this.#to.size; edge += 1) {
      const at = this.#to.at(edge) + 1;
      starts[at] = (starts[at] as number) + 1;
    }
    for (let at = 0; at < states; at += 1)
      starts[at + 1] = (starts[at + 1] as number) + (starts[at] as number);
    const filled = starts.slice();
    const back = new Int32Array(this.#to.size);
    for (let edge = 0; edge < this.#to.size; edge += 1) {
      const to = this.#to.at(edge);
      back[filled[to] as number] = this.#from.at(edge);
      filled[to] = (filled[to] as number) + 1;
    }
    const reached = new Uint8Array(states);
    const queue = new Int32Array(states);
    let tail = 0;
    for (const end of this.#ends) {
      reached[end] = 1;
      queue[tail++] = end;
    }
    for (let head = 0; head < tail; head += 1) {
      const at = queue[head] as number;
      for (let edge = starts[at] as number; edge < (starts[at + 1] as number); edge += 1) {
        const from = back[edge] as number;
        if (reached[from] !== 0) continue;
        reached[from] = 1;
        queue[tail++] = from;
      }
    }
    return reached.indexOf(0);
  }
}

class Column {
  size = 0;
  readonly #chunks: Int32Array[] = [];

  push(value: number): void {
    const chunk = Math.floor(this.size / CHUNK);
    if (chunk === this.#chunks.length) this.#chunks.push(new Int32Array(CHUNK));
    (this.#chunks[chunk] as Int32Array)[this.size % CHUNK] = value;
    this.size += 1;
  }

  at(index: number): number {
    return (this.#chunks[Math.floor(index / CHUNK)] as Int32Array)[index % CHUNK] as number;
  }
}

const FIRST_CAPACITY = 1024;
/** Slots per row at least: shorter probes than a fuller table has. */
const SLOTS_PER_ROW = 2;

/**
 * Revisions of rows, in two columns outside the heap: a store of millions of rows is remembered
 * in 24 to 48 bytes for each.
 */
export class RowSet {
  #size = 0;
  /** 0 where free: no row has that revision. */
  #mains = new Float64Array(FIRST_CAPACITY);
  #subs = new Float64Array(FIRST_CAPACITY);

  /** False where it is there already. `main` is at least 1. */
  add(main: number, sub: number): boolean {
    if ((this.#size + 1) * SLOTS_PER_ROW > this.#mains.length) this.#grow();
    const slot = this.#slotOf(main, sub);
    if (this.#mains[slot] !== 0) return false;
    this.#mains[slot] = main;
    this.#subs[slot] = sub;
    this.#size++;
    return true;
  }

  #slotOf(main: number, sub: number): number {
    const mask = this.#mains.length - 1;
    // Neighbours in revision lie apart: the multiplier is odd and near 2^32 divided by the golden ratio.
    let slot =
      (Math.imul((main ^ (main / 0x1_0000_0000)) + Math.imul(sub, 0x85ebca6b), 0x9e3779b1) >>> 7) & mask;
    while (this.#mains[slot] !== 0 && (this.#mains[slot] !== main || this.#subs[slot] !== sub)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #grow(): void {
    const [mains, subs] = [this.#mains, this.#subs];
    this.#mains = new Float64Array(mains.length * 2);
    this.#subs = new Float64Array(mains.length * 2);
    for (let old = 0; old < mains.length; old++) {
      if (mains[old] === 0) continue;
      const slot = this.#slotOf(mains[old]!, subs[old]!);
      this.#mains[slot] = mains[old]!;
      this.#subs[slot] = subs[old]!;
    }
  }
}

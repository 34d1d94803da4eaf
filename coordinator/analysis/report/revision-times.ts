/** A revision and the time that its own object tells. */
export interface Anchor {
  readonly revision: number;
  readonly timeMs: number;
}

/** When the store was written, as far as its own objects tell. */
export class RevisionTimes {
  readonly #anchors: readonly Anchor[];

  constructor(told: readonly Anchor[]) {
    this.#anchors = monotone(told);
  }

  get firstMs(): number | undefined {
    return this.#anchors[0]?.timeMs;
  }

  get lastMs(): number | undefined {
    return this.#anchors.at(-1)?.timeMs;
  }

  /** What was written at a revision was not written before this. */
  earliestAt(revision: number): number {
    return this.#anchors.findLast((anchor) => anchor.revision < revision)?.timeMs ?? Number.NEGATIVE_INFINITY;
  }

  /** Between the neighbours that tell it; at an end, the end's. */
  timeOf(revision: number): number | undefined {
    const anchors = this.#anchors;
    let [low, high] = [0, anchors.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((anchors[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    const [before, after] = [anchors[low - 1], anchors[low]];
    if (before === undefined || after === undefined) return (before ?? after)?.timeMs;
    const share = (revision - before.revision) / Math.max(1, after.revision - before.revision);
    return before.timeMs + share * (after.timeMs - before.timeMs);
  }
}

/**
 * As many anchors as can stand together, times rising with revisions: where one clock is wrong, its
 * anchors go, and the others stay. The longest rising subsequence, by patience.
 */
function monotone(told: readonly Anchor[]): Anchor[] {
  const sorted = told.toSorted((a, b) => a.revision - b.revision || a.timeMs - b.timeMs);
  /** Index of the anchor that ends the best run of each length. */
  const ends: number[] = [];
  const before = new Int32Array(sorted.length).fill(-1);
  for (const [index, { timeMs }] of sorted.entries()) {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[ends[middle] ?? 0]?.timeMs ?? 0) <= timeMs) low = middle + 1;
      else high = middle;
    }
    before[index] = low === 0 ? -1 : (ends[low - 1] ?? -1);
    ends[low] = index;
  }
  const kept: Anchor[] = [];
  for (let at = ends.at(-1) ?? -1; at >= 0; at = before[at] ?? -1) {
    const anchor = sorted[at];
    if (anchor !== undefined) kept.push(anchor);
  }
  return kept.reverse();
}

import type { Evidence, Row } from '@lockstep/shared/evidence/evidence.ts';
import type { Decoded } from '@lockstep/shared/kubernetes/decoded.ts';
import { KeyTable } from '@lockstep/shared/snapshot/key-table.ts';
import { authorship } from './authorship.ts';
import { KeyBytes, type ObjectDecoder } from './live.ts';
import type { TimedRevision } from './revision-clock.ts';

/**
 * The version of a key before a row, for who goes through a store in order of revision: where each
 * lies is kept, and it is looked up again only where it is asked for.
 */
export class EarlierVersions {
  readonly #evidence: Evidence;
  readonly #decoder: ObjectDecoder;
  readonly #table = new KeyTable();
  readonly #key = new KeyBytes();

  constructor(evidence: Evidence, decoder: ObjectDecoder) {
    this.#evidence = evidence;
    this.#decoder = decoder;
  }

  /** A put that was gone through. */
  keep({ key, main, sub }: Row): void {
    const length = this.#key.take(key);
    this.#table.put(this.#key.bytes, 0, length, { main, sub, note: 0 });
  }

  /** A deletion that was gone through: what comes after it is another life. */
  forget({ key }: Row): void {
    const length = this.#key.take(key);
    this.#table.delete(this.#key.bytes, 0, length);
  }

  of({ key }: Row): Decoded | undefined {
    const place = this.#table.get(key);
    const value = place === undefined ? undefined : this.#evidence.value(place.main, place.sub);
    return place === undefined || value === undefined
      ? undefined
      : this.#decoder.decode(value, { key, modRevision: place.main });
  }

  /** Of the last write to the row's key, as far as the object says it. */
  timeOf(row: Row): TimedRevision | undefined {
    const place = this.#table.get(row.key);
    const decoded = this.of(row);
    if (place === undefined || decoded?.form !== 'object') return undefined;
    const { stamp } = authorship(decoded.object, { created: false });
    return stamp === undefined ? undefined : { revision: place.main, timeMs: stamp.timeMs };
  }
}

import { LANDMARKS } from '../snapshot/registry-prefix.ts';
import type { Row } from './evidence.ts';

/** Where kube-apiserver notes, in decimal, up to which revision it compacted. */
const API_SERVER_COMPACTION_KEY = 'compact_rev_key';
const DEFAULT_PREFIX = '/registry';

/** What the rows of a store say of the Kubernetes that wrote them. */
export class KubernetesTrace {
  apiServerCompactRevision: number | undefined;
  /** Rows under each prefix that holds what every cluster has. */
  readonly #candidates = new Map<string, number>();

  row(row: Row): void {
    const { key } = row;
    if (key === API_SERVER_COMPACTION_KEY && !row.deleted) {
      const text = Buffer.from(row.value).toString('latin1');
      if (/^\d{1,15}$/.test(text)) this.apiServerCompactRevision = Number(text);
      return;
    }
    for (const landmark of LANDMARKS) {
      if (key.endsWith(landmark) && key.length > landmark.length) {
        this.#candidates.set(key.slice(0, -landmark.length), 0);
      }
    }
  }

  /**
   * The prefix under which the objects lie; where several do (virtual clusters in one store), the
   * one with the most rows, which takes another going through them.
   */
  registryPrefix(again: (visit: (row: Row) => void) => void): string {
    const candidates = this.#candidates;
    if (candidates.size > 1) {
      again(({ key }) => {
        for (const [candidate, count] of candidates) {
          if (key.startsWith(`${candidate}/`)) candidates.set(candidate, count + 1);
        }
      });
    }
    const [most] = [...candidates].sort(([, a], [, b]) => b - a);
    return most?.[0] ?? DEFAULT_PREFIX;
  }
}

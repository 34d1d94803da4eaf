import { createHash } from 'node:crypto';
import type { WorldView } from './world/view.ts';

export interface EventDigest {
  see(world: WorldView): void;
  /** Hexadecimal; once. */
  value(): string;
}

/** Of every event of an operation, in order: two runs that differ anywhere differ here. */
export function eventDigest(): EventDigest {
  const hash = createHash('sha256');
  return {
    see({ nowMs, last, nodes }) {
      const { kind, what, node, coordinator, phase, fault } = last;
      const records = nodes.map(({ ledger }) => ledger.records).join(' ');
      hash.update(`${nowMs} ${kind} ${what} ${node} ${coordinator} ${phase} ${fault} ${records}\n`);
    },
    value: () => hash.digest('hex'),
  };
}

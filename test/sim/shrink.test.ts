import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { describe, expect, it } from 'vitest';
import { shrink } from './shrink.ts';
import type { Simulated } from './simulate.ts';
import type { Token } from './token.ts';
import type { Fault, FaultKind, FaultScript } from './world/faults.ts';

const fault = (kind: FaultKind, after: number): Fault => ({
  kind,
  phase: Phase.PHASE_SWAP,
  after,
  target: 0,
  draw: 0,
});

const SCRIPT: FaultScript = [
  fault('agent-crash', 5),
  fault('power-loss', 8),
  fault('clock-jump', 1),
  fault('partition', 30),
  fault('disk-full', 2),
];

/** A world that is broken by a power loss at 3 events or later, with a partition. */
async function brittle({ script = SCRIPT }: Token): Promise<Pick<Simulated, 'script' | 'broken'>> {
  const loses = script.some(({ kind, after }) => kind === 'power-loss' && after >= 3);
  const parts = script.some(({ kind }) => kind === 'partition');
  const broken =
    loses && parts
      ? { invariant: 'old-whole', message: `old-whole: with ${script.length}`, event: 9 }
      : loses
        ? { invariant: 'one-etcd', message: 'one-etcd: another matter', event: 9 }
        : undefined;
  return { script, broken };
}

describe('shrinking', () => {
  it('leaves the faults that it takes, as early as they may come', async () => {
    const shrunk = await shrink({ seed: 7, index: 31, script: undefined }, brittle);
    expect(shrunk).toMatchObject({
      invariant: 'old-whole',
      message: 'old-whole: with 2',
      token: { seed: 7, index: 31, script: [fault('power-loss', 3), fault('partition', 0)] },
    });
  });

  it('has nothing to say of what breaks nothing', async () => {
    expect(await shrink({ seed: 7, index: 31, script: [] }, brittle)).toBeUndefined();
  });
});

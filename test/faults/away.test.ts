import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { latestOperation } from '../e2e/support/cluster.ts';
import type { Lab } from '../lab/lab.ts';
import { type Fault, FaultLab } from './support/fault-lab.ts';
import { OutcomeTable } from './support/outcome-table.ts';

const POWER_OFF: Pick<Fault, 'strike' | 'heal' | 'absent'> = {
  strike: (lab) => lab.node('cp2').powerOff(),
  heal: (lab) => lab.node('cp2').powerOn(),
  absent: ['cp2'],
};
/** Power comes back while the others still wait for the node. */
const SOON_MS = 8_000;

/** The node boots into whatever is durable on its disk; nobody tells it anything but the coordinator. */
describe('a node that was away', () => {
  const table = new OutcomeTable('a node without power');
  let faults: FaultLab;
  beforeAll(async () => {
    faults = await FaultLab.up(table);
  });
  afterAll(async () => {
    table.print();
    await faults?.[Symbol.asyncDispose]();
  });

  it.each(['fence', 'swap', 'start-etcd'] as const)(
    'from %s on comes back to OLD unaided after the others were rolled back',
    async (phase) => {
      const found = await faults.suffer({
        ...POWER_OFF,
        name: 'cp2 off until the others were back',
        phase,
        outlasts: true,
        outcomes: ['rolled-back'],
      });
      expect(found).toEqual([]);
    },
  );

  /** Before downtime an absent node is waited for as long as a step may take: nobody is hurt by that. */
  it('from build on comes back to OLD unaided after somebody called the restore off', async () => {
    const found = await faults.suffer({
      ...POWER_OFF,
      name: 'cp2 off, restore called off',
      phase: 'build',
      strike: async (lab) => {
        await lab.node('cp2').powerOff();
        lab.spawnLockstep(['restore', 'abort', await latestOperation(lab)]);
      },
      outlasts: true,
      outcomes: ['rolled-back'],
    });
    expect(found).toEqual([]);
  });

  it.each(['start-api', 'start-controllers'] as const)(
    'after it committed comes back on NEW in %s and never serves OLD',
    async (phase) => {
      const heal = async (lab: Lab): Promise<void> => {
        await delay(SOON_MS);
        await POWER_OFF.heal?.(lab);
      };
      const found = await faults.suffer({
        ...POWER_OFF,
        name: `cp2 off for ${SOON_MS / 1000} s`,
        phase,
        heal,
        outcomes: ['restored'],
        neverOldAgain: ['cp2'],
      });
      expect(found).toEqual([]);
    },
  );
});

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lab } from '../lab/lab.ts';
import { type Fault, FaultLab, type Phase } from './support/fault-lab.ts';
import { OutcomeTable } from './support/outcome-table.ts';

/** Longer than any call is waited for, and than an agent may be silent in downtime (coordinator/core/limits.ts). */
const PAUSE_MS = 25_000;

type Held = Pick<Fault, 'name' | 'strike' | 'heal'>;

const COORDINATOR: Held = {
  name: 'SIGSTOP of coordinator',
  strike: (lab) => lab.coordinator.kill('SIGSTOP'),
  heal: (lab) => lab.coordinator.kill('SIGCONT'),
};
const AGENT: Held = {
  name: 'SIGSTOP of agent on cp2',
  strike: (lab) => lab.node('cp2').kill('lockstep-agent', 'SIGSTOP'),
  heal: (lab) => lab.node('cp2').kill('lockstep-agent', 'SIGCONT'),
};
const KUBELET: Held = {
  name: 'SIGSTOP of kubelet on cp2',
  strike: (lab) => signalKubelet(lab, 'SIGSTOP'),
  heal: (lab) => signalKubelet(lab, 'SIGCONT'),
};
const ETCD: Held = {
  name: 'SIGSTOP of etcd on cp2',
  strike: (lab) => lab.node('cp2').killContainers('etcd', 'SIGSTOP'),
  heal: (lab) => lab.node('cp2').killContainers('etcd', 'SIGCONT'),
};

/** One that is held, or was stopped with SIGCONT and all, is not there to be signalled. */
async function signalKubelet(lab: Lab, signal: NodeJS.Signals): Promise<void> {
  await lab
    .node('cp2')
    .kill('kubelet', signal)
    .catch(() => {});
}

/** Each phase in which the program has something to lose. */
const CASES: readonly (readonly [Held, readonly Phase[]])[] = [
  [AGENT, ['build', 'fence', 'swap', 'start-etcd', 'commit', 'start-api']],
  [COORDINATOR, ['fence', 'start-etcd', 'commit']],
  [KUBELET, ['safeguard', 'start-etcd', 'start-api']],
  [ETCD, ['build', 'start-etcd']],
];

/** Woken, a program goes on where it was held, with what it believed then. */
describe('a program held for 25 s and woken', () => {
  const table = new OutcomeTable('programs held for 25 s and woken');
  let faults: FaultLab;
  beforeAll(async () => {
    faults = await FaultLab.up(table);
  });
  afterAll(async () => {
    table.print();
    await faults?.[Symbol.asyncDispose]();
  });

  const cases = CASES.flatMap(([held, phases]) => phases.map((phase) => ({ ...held, phase })));
  it.each(cases)('$name in $phase', async (fault) => {
    const found = await faults.suffer({
      ...fault,
      heal: async (lab) => {
        await delay(PAUSE_MS);
        await fault.heal?.(lab);
      },
    });
    expect(found).toEqual([]);
  });
});

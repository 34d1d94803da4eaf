import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lab } from '../lab/lab.ts';
import { canMakeNamespaces } from '../lab/network-namespaces.ts';
import { type Fault, FaultLab, type Phase } from './support/fault-lab.ts';
import { OutcomeTable } from './support/outcome-table.ts';

/** Longer than undo waits for an absent agent, and than an agent may be silent in downtime (coordinator/core/limits.ts). */
const CUT_MS = 30_000;
const COORDINATOR = 'coordinator-1';

type Cut = Pick<Fault, 'name' | 'strike' | 'heal'>;

const NODE: Cut = {
  name: 'cp2 cut off',
  strike: (lab) => lab.namespaces.cut('cp2'),
  heal: (lab) => lab.namespaces.join('cp2'),
};
const ALL_NODES: Cut = {
  name: 'coordinator cut off',
  strike: (lab) => lab.namespaces.cut(COORDINATOR),
  heal: (lab) => lab.namespaces.join(COORDINATOR),
};
const ONE_NODE: Cut = {
  name: 'coordinator and cp2 parted',
  strike: (lab) => lab.namespaces.part(COORDINATOR, 'cp2'),
  heal: (lab) => lab.namespaces.reunite(COORDINATOR, 'cp2'),
};
const PEERS: Cut = {
  name: 'cp1 and cp2 parted',
  strike: (lab) => lab.namespaces.part('cp1', 'cp2'),
  heal: (lab) => lab.namespaces.reunite('cp1', 'cp2'),
};
const COMMANDS: Cut = {
  name: 'coordinator unheard by cp2',
  strike: (lab) => lab.namespaces.lose(COORDINATOR, 'cp2'),
  heal: (lab) => lab.namespaces.deliver(COORDINATOR, 'cp2'),
};
const ANSWERS: Cut = {
  name: 'cp2 unheard by coordinator',
  strike: (lab) => lab.namespaces.lose('cp2', COORDINATOR),
  heal: (lab) => lab.namespaces.deliver('cp2', COORDINATOR),
};

const CASES: readonly (readonly [Cut, readonly Phase[]])[] = [
  [NODE, ['build', 'fence', 'swap', 'start-etcd', 'commit', 'start-api']],
  [ALL_NODES, ['promise', 'swap', 'commit', 'start-api']],
  [ONE_NODE, ['fence', 'start-etcd']],
  [PEERS, ['stage', 'start-etcd']],
  [COMMANDS, ['swap']],
  [ANSWERS, ['swap', 'commit']],
];

/** Production ports, each host in a network of its own; what is cut off is joined again after the graces. */
describe.skipIf(!(await canMakeNamespaces()))('a network that parts (needs root, ip and nsenter)', () => {
  const table = new OutcomeTable('networks that part for 30 s');
  let faults: FaultLab;
  beforeAll(async () => {
    faults = await FaultLab.up(table, { network: 'namespaces' });
  });
  afterAll(async () => {
    table.print();
    await faults?.[Symbol.asyncDispose]();
  });

  const cases = CASES.flatMap(([cut, phases]) => phases.map((phase) => ({ ...cut, phase })));
  it.each(cases)('$name in $phase', async (fault) => {
    const heal = async (lab: Lab): Promise<void> => {
      await delay(CUT_MS);
      await fault.heal?.(lab);
    };
    expect(await faults.suffer({ ...fault, heal })).toEqual([]);
  });
});

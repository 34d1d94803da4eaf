import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../demo/baseline/random.ts';
import type { Lab } from '../lab/lab.ts';
import { type Fault, FaultLab, PHASES } from './support/fault-lab.ts';
import { OutcomeTable } from './support/outcome-table.ts';
import { chooseSeed } from './support/seed.ts';

const DEFAULT_ROUNDS = 10;
const LATEST_MS = 1_200;
/** Nothing restarts these but we, as a service manager would. */
const RESTART_AFTER_MS = 1_000;

const NODES = ['cp1', 'cp2', 'cp3'] as const;
type Strike = Pick<Fault, 'name' | 'strike' | 'heal'>;

/** Who is killed, and how it comes back. */
const VICTIMS: readonly [(random: Random) => Strike, ...((random: Random) => Strike)[]] = [
  () => ({
    name: 'SIGKILL of coordinator',
    strike: (lab) => lab.coordinator.kill(),
    heal: (lab) => lab.coordinator.start(),
  }),
  () => ({
    name: 'SIGKILL of NATS',
    strike: (lab) => lab.natsServers[0]?.kill(),
    heal: (lab) => lab.natsServers[0]?.start(),
  }),
  (random) => onNode(random, 'agent', (lab, node) => lab.node(node).kill('lockstep-agent')),
  (random) => onNode(random, 'kubelet', (lab, node) => killIfThere(lab, node)),
  (random) => onNode(random, 'etcd', (lab, node) => lab.node(node).killContainers('etcd')),
  (random) => onNode(random, 'container runtime', (lab, node) => lab.node(node).kill('containerd')),
];

function onNode(random: Random, what: string, strike: (lab: Lab, node: string) => unknown): Strike {
  const node = random.pick(NODES);
  return { name: `SIGKILL of ${what} on ${node}`, strike: (lab) => strike(lab, node) };
}

/** While it is held there is no kubelet to kill. */
async function killIfThere(lab: Lab, node: string): Promise<void> {
  if (await lab.node(node).isActive('kubelet'))
    await lab
      .node(node)
      .kill('kubelet')
      .catch(() => {});
}

function drawFault(seed: number): Fault {
  const random = new Random(seed);
  const { name, strike, heal } = random.pick(VICTIMS)(random);
  const [first, ...others] = PHASES;
  return {
    name,
    strike,
    phase: random.pick([first, ...others]),
    afterMs: random.integer(0, LATEST_MS),
    ...(heal === undefined
      ? {}
      : {
          heal: async (lab) => {
            await delay(RESTART_AFTER_MS);
            await heal(lab);
          },
        }),
  };
}

/** Each round draws from a seed of its own: `LOCKSTEP_SEED=N LOCKSTEP_FAULT_ROUNDS=1` repeats one. */
describe('a program killed at any moment', () => {
  const table = new OutcomeTable('programs killed at random moments');
  const seed = chooseSeed('random moments');
  const rounds = Number(process.env['LOCKSTEP_FAULT_ROUNDS'] ?? DEFAULT_ROUNDS);
  let faults: FaultLab;
  beforeAll(async () => {
    faults = await FaultLab.up(table, { nats: true });
  });
  afterAll(async () => {
    table.print();
    await faults?.[Symbol.asyncDispose]();
  });

  const drawn = Array.from({ length: rounds }, (_, round) => ({
    seed: seed + round,
    ...drawFault(seed + round),
  }));
  it.each(drawn)('$name in $phase after $afterMs ms (seed $seed)', async (fault) => {
    expect(await faults.suffer(fault)).toEqual([]);
  });
});

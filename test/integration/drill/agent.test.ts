import { existsSync, readdirSync } from 'node:fs';
import { ProcessTable } from '@lockstep/agent/adapters/process-table.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { ProofLevel, type SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locateTools } from '../../lab/tools/locate.ts';
import { AgentLab, operationOf } from '../agent/agent-lab.ts';
import { DrillBench } from './drill-bench.ts';
import { drillOn } from './drill-calls.ts';

/** What is killed is gone in less, on a busy machine too. */
const GONE_TIMEOUT_MS = 10_000;

let lab: AgentLab;
let card: SnapshotCard;

beforeAll(async () => {
  lab = await AgentLab.up(1);
  card = (await lab.first.save()).card;
});

afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
});

const drillsDirectory = (): string => lab.first.node.path('/var/lib/lockstep/drills');

function leftovers(): string[] {
  return existsSync(drillsDirectory()) ? readdirSync(drillsDirectory()) : [];
}

/** Processes of drills of this node: what they have in their command line is nobody else's. */
function drillProcesses(): number[] {
  const table = new ProcessTable();
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid > 0)
    .filter((pid) => table.commandLine(pid).some((word) => word.includes(`${drillsDirectory()}/`)));
}

async function untilNoProcess(): Promise<void> {
  const gone = {
    describe: () => 'nothing of the drill runs',
    check: async () => drillProcesses().length === 0,
  };
  await waitFor(gone, 50, deadline(GONE_TIMEOUT_MS));
}

/** A drill, and the moment when its etcd is there. */
function drillUntilEtcd(): { ended: Promise<unknown>; etcd: Promise<void> } {
  const started = Promise.withResolvers<void>();
  const ended = drillOn(lab.first, card.id, (step) => {
    if (step === 'starting etcd' || step === 'comparing') started.resolve();
  }).then(
    (proof) => ({ proof }),
    (error: unknown) => ({ error }),
  );
  return { ended, etcd: started.promise };
}

describe('a real agent', () => {
  it('drills a snapshot beside its live member, and keeps the proof with it', async () => {
    const proof = await drillOn(lab.first, card.id);
    expect(proof).toMatchObject({
      failure: undefined,
      level: ProofLevel.PROOF_LEVEL_SERVED,
      place: lab.first.node.name,
    });
    expect(leftovers()).toStrictEqual([]);
    expect(drillProcesses()).toStrictEqual([]);
  });

  it('that is killed in a drill leaves no process, and sweeps its scratch away when it starts', async () => {
    const { ended, etcd } = drillUntilEtcd();
    await etcd;
    await lab.first.stop('SIGKILL');
    await untilNoProcess();
    expect(leftovers()).toHaveLength(1);
    expect(await ended).toHaveProperty('error');
    await lab.first.start();
    expect(leftovers()).toStrictEqual([]);
  });

  it('ends a drill at once for an operation, and begins none beside it', async () => {
    const plan = await lab.plan('r-drill', card);
    const operation = operationOf(plan);
    const { ended, etcd } = drillUntilEtcd();
    await etcd;
    const beganMs = performance.now();
    await lab.promise(operation);
    console.log(`promised ${Math.round(performance.now() - beganMs)} ms after the drill was in the way`);
    expect(await ended).toMatchObject({ error: { code: 'DRILL_YIELDED' } });
    expect(leftovers()).toStrictEqual([]);
    expect(drillProcesses()).toStrictEqual([]);
    await expect(drillOn(lab.first, card.id)).rejects.toMatchObject({ code: 'OPERATION_IN_PROGRESS' });

    // Another node's drill on this machine, as the proof of a stop sees it: somebody else's etcd.
    await using bench = await DrillBench.up((await locateTools()).etcd);
    const other = await bench.save();
    const reached = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const drills = bench.drillsWith({
      servers: {
        find: (tools, minor, signal) => bench.ports.servers.find(tools, minor, signal),
        start: async (request, signal) => {
          const server = await bench.ports.servers.start(request, signal);
          reached.resolve();
          await held.promise;
          return server;
        },
      },
    });
    const drilled = drills.run(other.id, 'lockstep://lab/coordinator/c1', () => undefined, deadline(100_000));
    await reached.promise;
    for (const step of [
      Step.STEP_STAGE,
      Step.STEP_BUILD,
      Step.STEP_SAFEGUARD,
      Step.STEP_REINSPECT,
      Step.STEP_FENCE_API,
      Step.STEP_FENCE_ETCD,
    ]) {
      await lab.step(operation, step);
    }
    held.resolve();
    expect(await drilled).toMatchObject({ failure: undefined, level: ProofLevel.PROOF_LEVEL_SERVED });
    for (const step of [Step.STEP_UNDO_STOP, Step.STEP_UNDO_START, Step.STEP_UNDO_VERIFY]) {
      await lab.step(operation, step);
    }
  });
});

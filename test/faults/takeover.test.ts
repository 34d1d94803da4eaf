import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { LEASE_MS } from '@lockstep/coordinator/core/leadership.ts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  latestOperation,
  put,
  saidBy,
  saveSnapshot,
  startRestore,
  valuesOf,
  waitEnded,
  waitServing,
} from '../e2e/support/cluster.ts';
import { loadObjects } from '../e2e/support/objects.ts';
import { Lab } from '../lab/lab.ts';
import { canMakeNamespaces } from '../lab/network-namespaces.ts';
import { observeBaseline } from './checker/baseline.ts';
import { checkNodes, type Expectation } from './checker/check.ts';
import { epochOf, LabCoordinator, untilOneLeads } from './takeover/coordinators.ts';

const KEY = '/registry/configmaps/default/deed';
/** From the fault to the first thing that the next coordinator does for the operation. */
const TAKEOVER_WITHIN_MS = 10_000;

let lab: Lab;
let snapshot: string;
let coordinators: LabCoordinator[];
const table: string[] = [];
/** Cutting a host off needs network namespaces, and those root. */
const canCutOff = await canMakeNamespaces();

beforeAll(async () => {
  lab = await Lab.up({
    nodes: 3,
    nats: 3,
    coordinators: 3,
    network: canCutOff ? 'namespaces' : 'loopback',
  });
  coordinators = await LabCoordinator.allOf(lab);
  await untilOneLeads(coordinators);
  await loadObjects(lab);
  await put(lab, KEY, 'good');
  snapshot = await saveSnapshot(lab);
}, 400_000);
afterAll(async () => {
  console.log(['fault, phase, taken over after, outcome', ...table].join('\n'));
  await lab?.down();
});
afterEach(async () => {
  for (const each of coordinators) {
    await each.program.kill('SIGCONT');
    await each.rejoin();
    await each.program.start();
  }
  for (const server of lab.natsServers) await server.start();
});

type Outcome = Expectation['outcome'];

interface Seen {
  readonly operationId: string;
  readonly outcome: Outcome;
}

/** One restore that meets a fault as soon as a phase has begun; what lies on the nodes is checked once it has ended. */
async function restoreThrough(
  phase: string,
  fault: (leader: LabCoordinator) => Promise<void>,
  end?: (operationId: string) => Promise<Outcome>,
): Promise<Seen & { readonly leader: LabCoordinator; readonly faultMs: number }> {
  const leader = await untilOneLeads(coordinators);
  await put(lab, KEY, 'bad');
  const before = await observeBaseline(lab);
  const restore = startRestore(lab, snapshot);
  await restore.reached('phase-started', { phase });
  const operationId = await latestOperation(lab);
  const faultMs = Date.now();
  await fault(leader);
  // The person's own command sees it through, whoever brings it to its end.
  const outcome =
    end === undefined ? ((await restore.ended).said.outcome as Outcome) : await end(operationId);
  expect(['restored', 'rolled-back']).toContain(outcome);
  await waitServing(lab);
  const content = { key: KEY, snapshot: 'good', live: 'bad' };
  expect(await checkNodes(lab, { outcome, operationId, before, content, serveKept: false })).toStrictEqual(
    [],
  );
  const now = outcome === 'restored' ? 'good' : 'bad';
  expect(new Set(await valuesOf(lab, KEY))).toStrictEqual(new Set([now]));
  return { operationId, outcome, leader, faultMs };
}

/** Who went on with it, and when the first thing happened that was theirs. */
function successorOf({ operationId, leader }: Awaited<ReturnType<typeof restoreThrough>>): {
  successor: LabCoordinator;
  atMs: number;
} {
  const firsts = coordinators.flatMap((successor) => {
    const atMs = successor.journal(operationId)[0]?.atMs;
    return successor === leader || atMs === undefined ? [] : [{ successor, atMs }];
  });
  expect(firsts, 'exactly one other coordinator took part').toHaveLength(1);
  return firsts[0] as { successor: LabCoordinator; atMs: number };
}

function note(fault: string, phase: string, tookMs: number, outcome: Outcome): void {
  table.push(`${fault}, ${phase}, ${tookMs} ms, ${outcome}`);
}

describe('another coordinator takes over within ten seconds and finishes', () => {
  it.each(['build', 'fence', 'commit', 'start-api'])('when the leader is killed in %s', async (phase) => {
    const seen = await restoreThrough(phase, async (leader) => void (await leader.program.kill()));
    const tookMs = successorOf(seen).atMs - seen.faultMs;
    note('leader killed', phase, tookMs, seen.outcome);
    expect(tookMs).toBeLessThan(TAKEOVER_WITHIN_MS);
  });

  it.each(['swap', 'start-controllers'])(
    'when the leader is paused in %s, which does nothing more when it wakes up',
    async (phase) => {
      const seen = await restoreThrough(phase, async (leader) => {
        await leader.program.kill('SIGSTOP');
        await delay(LEASE_MS + 1_500);
        await leader.program.kill('SIGCONT');
      });
      const { successor, atMs } = successorOf(seen);
      note('leader paused', phase, atMs - seen.faultMs, seen.outcome);
      expect(atMs - seen.faultMs).toBeLessThan(TAKEOVER_WITHIN_MS);
      expect(await seen.leader.standing()).toMatchObject({ leads: false, leader: successor.name });
      const epochs = new Set(seen.leader.journal(seen.operationId).map(epochOf));
      expect(epochs.size, 'the paused one commands under one epoch only').toBe(1);
    },
  );

  it.skipIf(!canCutOff).each([
    ['everything', 'fence'],
    ['everything', 'commit'],
    ['the agents', 'start-api'],
    ['NATS', 'stage'],
  ] as const)('when the leader is cut off from %s in %s', async (from, phase) => {
    const seen = await restoreThrough(phase, async (leader) => {
      await leader.cutOff(from);
      await delay(2 * LEASE_MS);
      await leader.rejoin();
    });
    const { successor, atMs } = successorOf(seen);
    // The one that is cut off from NATS alone still has its effects in flight, which are waited for.
    const tookMs =
      (from === 'NATS' ? (successor.tookOverMs(seen.operationId) ?? Number.NaN) : atMs) - seen.faultMs;
    note(`leader cut off from ${from}`, phase, tookMs, seen.outcome);
    expect(tookMs).toBeLessThan(TAKEOVER_WITHIN_MS);
  });
});

describe('with no NATS server left', () => {
  const killNats = async (): Promise<void> => {
    await Promise.all(lab.natsServers.map((server) => server.kill()));
  };

  it('the acting coordinator goes on, and says so; nobody takes it from it', async () => {
    const seen = await restoreThrough('build', killNats);
    note('NATS killed', 'build', 0, seen.outcome);
    expect(seen.outcome).toBe('restored');
    const took = coordinators.filter((each) => each.journal(seen.operationId).length > 0);
    expect(took).toStrictEqual([seen.leader]);
    expect(seen.leader.journal(seen.operationId).map(({ notice }) => notice)).toContain('NATS_UNREACHABLE');
  });

  it('and the acting coordinator killed, it goes on by itself once it is started again', async () => {
    let startedMs = 0;
    const seen = await restoreThrough(
      'swap',
      async (leader) => {
        await Promise.all([killNats(), leader.program.kill()]);
        startedMs = Date.now();
        await leader.program.start();
      },
      (operationId) => waitEnded(lab, operationId) as Promise<Outcome>,
    );
    const took = coordinators.filter((each) => each.journal(seen.operationId).length > 0);
    expect(took).toStrictEqual([seen.leader]);
    const tookMs = (seen.leader.tookOverMs(seen.operationId) ?? Number.NaN) - startedMs;
    note('NATS and leader killed, leader restarted', 'swap', tookMs, seen.outcome);
    expect(tookMs).toBeLessThan(TAKEOVER_WITHIN_MS);
  });

  it('and the leader dead, a person goes on with it on any other', async () => {
    let standby: LabCoordinator | undefined;
    const seen = await restoreThrough(
      'fence',
      async (leader) => {
        await Promise.all([killNats(), leader.program.kill()]);
        standby = coordinators.find((each) => each !== leader);
      },
      async (operationId) => {
        await delay(3 * LEASE_MS);
        const before = saidBy((await standby?.ask('restore', 'status', operationId)) as never);
        expect(before.outcome, 'nobody begins unasked').toBe('running');
        const resumed = await standby?.ask('restore', 'resume', operationId);
        return saidBy(resumed as never).outcome as Outcome;
      },
    );
    note('NATS and leader killed, resumed by a person', 'fence', 0, seen.outcome);
    expect(successorOf(seen).successor).toBe(standby);
  });
});

describe('with every coordinator and its journal destroyed, a fresh one finishes', () => {
  it.each([
    ['fence', ['restored', 'rolled-back']],
    // The other side of commit: only forward.
    ['start-api', ['restored']],
  ] as const)('what stood in %s', async (phase, outcomes) => {
    let freshMs = 0;
    const seen = await restoreThrough(
      phase,
      async () => {
        await Promise.all(coordinators.map((each) => each.program.kill()));
        for (const each of coordinators) rmSync(each.stateDirectory, { recursive: true, force: true });
        freshMs = Date.now();
        await coordinators[2]?.program.start();
      },
      (operationId) => waitEnded(lab, operationId) as Promise<Outcome>,
    );
    const tookMs = (coordinators[2]?.journal(seen.operationId)[0]?.atMs ?? Number.NaN) - freshMs;
    note('all three destroyed, a fresh one started', phase, tookMs, seen.outcome);
    expect(outcomes).toContain(seen.outcome);
    expect(tookMs).toBeLessThan(TAKEOVER_WITHIN_MS);
  });
});

describe('who stands by', () => {
  it('answers what it never saw from the ledgers, and names who leads for the rest', async () => {
    const leader = await untilOneLeads(coordinators);
    const standby = coordinators.find((each) => each !== leader) as LabCoordinator;
    await standby.program.kill();
    rmSync(standby.stateDirectory, { recursive: true, force: true });
    await standby.program.start();
    await untilOneLeads(coordinators);
    const operationId = await latestOperation(lab);
    const status = saidBy(await standby.ask('restore', 'status', operationId));
    expect(status).toMatchObject({ operationId, outcome: 'restored' });
    const report = await standby.ask('restore', 'report', operationId);
    expect(saidBy(report)).toMatchObject({ operationId, outcome: 'restored' });
    const list = saidBy(await standby.ask('restore', 'list')) as unknown as {
      operations: { operationId: string }[];
    };
    expect(list.operations.map((each) => each.operationId)).toContain(operationId);
    const refused = await standby.ask('restore', 'plan', snapshot);
    expect(refused.exitCode).toBe(5);
    expect(refused.stdout + refused.stderr).toContain('NOT_LEADER');
    expect(refused.stdout + refused.stderr).toContain(`${leader.name} leads at`);
  });
});

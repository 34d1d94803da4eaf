import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import {
  latestOperation,
  planRestore,
  saidBy,
  saveSnapshot,
  startRestore,
  waitEnded,
  waitServing,
} from '../../e2e/support/cluster.ts';
import { loadObjects } from '../../e2e/support/objects.ts';
import { Lab } from '../../lab/lab.ts';

/** One lab: agents are found by their presence on NATS, the coordinator's configuration names no node. */
let lab: Lab;
let snapshot: string;

beforeAll(async () => {
  lab = await Lab.up({ nodes: 3, nats: 1, coordinator: false });
  const path = join(lab.directory, 'coordinator/config.yaml');
  const { nodes: _none, ...config } = parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(path, stringify(config));
  await lab.coordinator.start();
  await loadObjects(lab);
  await until('every agent is known', async () => (await nodes()).length === 3);
  snapshot = await saveSnapshot(lab);
}, 240_000);
afterAll(async () => lab?.down());

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  await waitFor({ describe: () => what, check: holds }, 200, deadline(60_000));
}

async function nodes(): Promise<unknown[]> {
  const ended = await lab.lockstep(['node', 'list', '-o', 'json']);
  return ended.exitCode === 0 ? (saidBy(ended)['nodes'] as unknown[]) : [];
}

async function codeOfRun(operationId: string): Promise<string> {
  const args = [
    'restore',
    'run',
    '--plan',
    operationId,
    '--confirm',
    lab.clusterName,
    '--detach',
    '-o',
    'json',
  ];
  return saidBy(await lab.lockstep(args)).code;
}

describe('a coordinator', () => {
  it('starts one of two operations that are asked for at once', async () => {
    const plans = [await planRestore(lab, snapshot), await planRestore(lab, snapshot)];
    const codes = await Promise.all(plans.map((plan) => codeOfRun(plan.said.operationId)));
    expect(codes.filter((code) => code === 'OPERATION_IN_PROGRESS')).toHaveLength(1);
    expect(await waitEnded(lab, await latestOperation(lab))).toBe('restored');
    await waitServing(lab);
  });

  it('runs a plan that it made before it was restarted, and no plan twice', async () => {
    const { said } = await planRestore(lab, snapshot);
    await lab.coordinator.restart();
    await until('every agent is known again', async () => (await nodes()).length === 3);
    await codeOfRun(said.operationId);
    expect(await waitEnded(lab, said.operationId)).toBe('restored');
    await waitServing(lab);
    expect(await codeOfRun(said.operationId)).toBe('OPERATION_ENDED');
  });

  it('brings OLD back on an operator’s word', async () => {
    const restore = startRestore(lab, snapshot);
    await restore.reached('phase-started', { phase: 'swap' });
    const operationId = await latestOperation(lab);
    const aborted = await lab.lockstep([
      'restore',
      'abort',
      operationId,
      '--reason',
      'wrong one',
      '--detach',
    ]);
    expect(aborted.stderr + aborted.exitCode).not.toContain('ALREADY_COMMITTED');
    expect(await waitEnded(lab, operationId)).toBe('rolled-back');
    await restore.ended.catch(() => undefined);
    await waitServing(lab);
  });

  it('goes on without NATS', async () => {
    const [nats] = lab.natsServers;
    const restore = startRestore(lab, snapshot);
    await restore.reached('phase-started', { phase: 'build' });
    await nats?.kill();
    const operationId = await latestOperation(lab);
    expect(await waitEnded(lab, operationId)).toBe('restored');
    await restore.ended.catch(() => undefined);
    const journal = await readFile(
      join(lab.directory, 'coordinator/state/operations', `${operationId}.jsonl`),
      'utf8',
    );
    expect(journal).toContain('NATS_UNREACHABLE');
    expect(journal).toContain('operationEnded');
    await nats?.start();
    await waitServing(lab);
  });

  it('knows an ended operation by the ledgers alone', async () => {
    const operationId = await latestOperation(lab);
    await lab.coordinator.stop();
    await rm(join(lab.directory, 'coordinator/state'), { recursive: true, force: true });
    await lab.coordinator.start();
    await until('it is on record', async () => (await latestOperation(lab).catch(() => '')) === operationId);
    expect(await waitEnded(lab, operationId)).toBe('restored');
  });
});

import { existsSync } from 'node:fs';
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import type { Client, MethodDefinition } from '@grpc/grpc-js';
import { AgentServiceService, OperationState, Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { connect, unary } from '@lockstep/shared/transport/client.ts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Action, Arming } from '../../faults/failpoints/board.ts';
import { AgentLab, type LabAgent, operationOf, type PromisedOperation, signal } from './agent-lab.ts';

const TEST_TIMEOUT_MS = 180_000;
const FORWARD = [
  ['STEP_STAGE', Step.STEP_STAGE],
  ['STEP_BUILD', Step.STEP_BUILD],
  ['STEP_SAFEGUARD', Step.STEP_SAFEGUARD],
  ['STEP_REINSPECT', Step.STEP_REINSPECT],
  ['STEP_FENCE_API', Step.STEP_FENCE_API],
  ['STEP_FENCE_ETCD', Step.STEP_FENCE_ETCD],
  ['STEP_SWAP', Step.STEP_SWAP],
  ['STEP_START_KUBELET', Step.STEP_START_KUBELET],
  ['STEP_START_ETCD', Step.STEP_START_ETCD],
  ['STEP_PREPARE_GATE', Step.STEP_PREPARE_GATE],
] as const;
const AFTER_COMMIT = [
  ['STEP_START_API', Step.STEP_START_API],
  ['STEP_START_CONTROLLERS', Step.STEP_START_CONTROLLERS],
  ['STEP_CLOSE', Step.STEP_CLOSE],
] as const;
const UNDO = [Step.STEP_UNDO_STOP, Step.STEP_UNDO_START, Step.STEP_UNDO_VERIFY] as const;

let lab: AgentLab;
let agent: LabAgent;
let card: SnapshotCard;
let epochs = 0n;
let operations = 0;

beforeAll(async () => {
  lab = await AgentLab.up(1);
  agent = lab.first;
  ({ card } = await agent.save());
  await lab.put('after');
}, TEST_TIMEOUT_MS);
afterAll(() => lab[Symbol.asyncDispose]());
/** Whatever a test left open: the next one begins on OLD. */
afterEach(async () => {
  const left = await agent.ledger().catch(() => undefined);
  if (left?.state !== OperationState.OPERATION_STATE_OPEN) return;
  await agent.restart();
  await undo(await promised(RestorePlan.decode(left.plan)));
}, TEST_TIMEOUT_MS);

/** Between the effect of a step and its completion, where a failure hurts most. */
function atEndOf(step: string, action: Action): Arming {
  return { arms: [{ point: `agent:handlers.perform:after@${step}`, action }] };
}

/** A new plan, promised under a new epoch. */
async function begin(): Promise<PromisedOperation> {
  operations += 1;
  return promised(await lab.plan(`r-${operations}`, card));
}

async function promised(plan: RestorePlan): Promise<PromisedOperation> {
  epochs += 1n;
  const operation = operationOf(plan, epochs);
  await agent.promise(operation);
  return operation;
}

/** What undo must leave as it was. */
async function oldState() {
  const report = await agent.describe();
  const { etcd, manifests } = report;
  return {
    dataDir: etcd?.store?.dataDirInode,
    clusterId: etcd?.clusterId,
    memberId: etcd?.memberId,
    manifests: manifests.map(({ fileName, sha256, inode, mode, modifiedMs }) => ({
      fileName,
      sha256,
      inode,
      mode,
      modifiedMs,
    })),
    kubelet: report.kubelet?.active,
  };
}

async function undo(operation: PromisedOperation): Promise<void> {
  for (const step of UNDO) await agent.done(operation, step);
}

describe('the fence, over the wire', () => {
  it('holds a promise against the equal, the lower, and the stranger', async () => {
    const operation = await begin();
    await expect(
      agent.promise({ ...operation, epoch: { ...operation.epoch, coordinatorId: 'c2' } }),
    ).rejects.toMatchObject({
      code: 'EPOCH_STALE',
    });
    await expect(
      agent.promise({ ...operation, epoch: { number: 0n, coordinatorId: 'c2' } }),
    ).rejects.toMatchObject({
      code: 'EPOCH_STALE',
    });
    const second = operationOf({ ...operation.plan, operationId: 'r-other' }, epochs + 1n);
    await expect(agent.promise(second)).rejects.toMatchObject({ code: 'OPERATION_IN_PROGRESS', node: 'cp1' });
    const stranger = operationOf(
      { ...operation.plan, nodes: operation.plan.nodes.map((node) => ({ ...node, ledgerId: 'x' })) },
      epochs + 1n,
    );
    await expect(agent.promise(stranger)).rejects.toMatchObject({ code: 'LEDGER_STRANGER' });
    await expect(agent.promise(operation)).resolves.toMatchObject({ promised: operation.epoch });

    await expect(agent.execute({ ...operation, sha256: 'x' }, Step.STEP_STAGE)).rejects.toMatchObject({
      code: 'PLAN_UNKNOWN',
    });
    await expect(agent.execute(operation, Step.STEP_SWAP)).rejects.toMatchObject({
      code: 'STEP_OUT_OF_ORDER',
    });
    await expect(agent.execute(operation, Step.STEP_START_API)).rejects.toMatchObject({
      code: 'NOT_COMMITTED',
    });
    await expect(agent.commit(operation)).rejects.toMatchObject({ code: 'STEP_OUT_OF_ORDER' });

    // A takeover by another coordinator under a greater number, without the plan's bytes.
    epochs += 1n;
    const taken = { ...operation, epoch: { number: epochs, coordinatorId: 'c2' } };
    await expect(agent.promise(taken, Buffer.alloc(0))).resolves.toMatchObject({
      state: OperationState.OPERATION_STATE_OPEN,
    });
    await expect(agent.execute(operation, Step.STEP_STAGE)).rejects.toMatchObject({ code: 'EPOCH_STALE' });
    await undo(taken);
  });

  it('promises nothing while an effect is in flight', { timeout: TEST_TIMEOUT_MS }, async () => {
    await agent.restart(atEndOf('STEP_STAGE', { pauseMs: 4_500 }));
    const operation = await begin();
    const running = agent.done(operation, Step.STEP_STAGE);
    await expect.poll(async () => (await agent.ledger()).effects.length, { timeout: 5_000 }).toBe(1);
    const higher = { ...operation, epoch: { number: epochs + 1n, coordinatorId: 'c2' } };
    await expect(agent.promise(higher, Buffer.alloc(0))).rejects.toMatchObject({ code: 'EFFECT_IN_FLIGHT' });
    await running;
    await agent.restart();
    await undo(operation);
  });

  it('opens nothing that it could neither do nor undo', async () => {
    const plan = await lab.plan('r-odd', card);
    const [node] = plan.nodes;
    if (node?.etcd === undefined) throw new Error('no member in the plan');
    const elsewhere = { ...node, etcd: { ...node.etcd, dataDir: '/etc/kubernetes' } };
    const odds: readonly [RestorePlan, string][] = [
      [{ ...plan, operationId: '../r-odd' }, 'PATH_NOT_ALLOWED'],
      [{ ...plan, snapshot: undefined }, 'PLAN_UNKNOWN'],
      [{ ...plan, nodes: [{ ...node, etcd: undefined }] }, 'PLAN_UNKNOWN'],
      [{ ...plan, nodes: [elsewhere] }, 'PATH_NOT_ALLOWED'],
    ];
    for (const [odd, code] of odds) {
      await expect(agent.promise(operationOf(odd, epochs + 1n))).rejects.toMatchObject({ code });
    }
    expect((await agent.describe()).openOperationId).toBe('');
  });

  it('ends a step by its deadline and says so', async () => {
    await agent.restart(atEndOf('STEP_STAGE', { pauseMs: 20_000 }));
    const operation = await begin();
    const { failure } = await agent.execute(operation, Step.STEP_STAGE, 500);
    expect(failure).toMatchObject({ code: 'STEP_TIMED_OUT', node: 'cp1' });
    await agent.restart();
    await undo(operation);
  });
});

type Method = (typeof AgentServiceService)[keyof typeof AgentServiceService];

/** With an empty request: who may not call is refused before anybody reads it. */
function call(client: Client, method: Method): Promise<unknown> {
  const asked = method as MethodDefinition<unknown, unknown>;
  return unary(client, asked, asked.requestDeserialize(Buffer.alloc(0)), signal());
}

describe('who may call', () => {
  const methods = Object.entries(AgentServiceService);

  it.each(methods)('%s: no operator', async (_name, method) => {
    const client = connect({
      address: agent.address,
      tls: agent.identity('operators', 'alice'),
      expected: { cluster: lab.lab.clusterName, role: 'agent', name: 'cp1' },
    });
    await expect(call(client, method)).rejects.toMatchObject({
      code: 'NOT_AUTHORISED',
    });
    client.close();
  });

  it.each(methods.filter(([name]) => name !== 'readSnapshot'))('%s: no agent', async (_name, method) => {
    const client = connect({
      address: agent.address,
      tls: agent.identity('agents', 'cp1'),
      expected: { cluster: lab.lab.clusterName, role: 'agent', name: 'cp1' },
    });
    await expect(call(client, method)).rejects.toMatchObject({
      code: 'NOT_AUTHORISED',
    });
    client.close();
  });
});

describe('re-inspect', () => {
  it('names what changed since the plan, and begins no downtime', async () => {
    const operation = await begin();
    for (const step of [Step.STEP_STAGE, Step.STEP_BUILD, Step.STEP_SAFEGUARD])
      await agent.done(operation, step);
    const path = agent.node.path('/etc/kubernetes/manifests/kube-scheduler.yaml');
    const text = await readFile(path);
    await appendFile(path, '# edited\n');
    const { failure, drift } = await agent.execute(operation, Step.STEP_REINSPECT);
    expect(failure).toMatchObject({ code: 'PLAN_DRIFTED' });
    expect(drift).toHaveLength(1);
    expect(drift[0]?.message).toContain('manifest.kube-scheduler.yaml');
    await expect(agent.execute(operation, Step.STEP_FENCE_API)).rejects.toMatchObject({
      code: 'STEP_OUT_OF_ORDER',
    });
    await writeFile(path, text);
    await agent.done(operation, Step.STEP_REINSPECT);
    await undo(operation);
  });
});

describe('undo', () => {
  afterEach(() => agent.restart());

  it.each(FORWARD)('brings OLD back after %s failed', { timeout: TEST_TIMEOUT_MS }, async (name, failing) => {
    const before = await oldState();
    await agent.restart(atEndOf(name, 'fail'));
    const operation = await begin();
    for (const [, step] of FORWARD) {
      const { failure } = await agent.execute(operation, step);
      expect(failure?.code).toBe(step === failing ? 'INTERNAL' : undefined);
      if (step === failing) break;
    }
    await undo(operation);
    // Twice does it once.
    await undo(operation);
    await expect.poll(oldState, { timeout: 10_000 }).toStrictEqual(before);
    expect(await lab.has('after')).toBe(true);
    const { state } = await agent.ledger();
    expect(state).toBe(OperationState.OPERATION_STATE_UNDONE);
    expect(existsSync(agent.node.path(`/var/lib/.lockstep/${operation.operationId}`))).toBe(false);
    await expect(agent.commit(operation)).rejects.toMatchObject({ code: 'ALREADY_UNDONE' });
    await expect(agent.execute(operation, Step.STEP_STAGE)).rejects.toMatchObject({ code: 'ALREADY_UNDONE' });
  });
});

describe('break glass', () => {
  it('undoes without anybody, once the agent is stopped', { timeout: TEST_TIMEOUT_MS }, async () => {
    const before = await oldState();
    const operation = await begin();
    for (const [, step] of FORWARD) await agent.done(operation, step);
    expect(await lab.has('after')).toBe(false);

    const status = await agent.cli('status', '--local');
    expect(status).toMatchObject({ code: 0 });
    expect(status.output).toContain(`${operation.operationId}: open`);
    expect(status.output).toContain('NEW is in place at /var/lib/etcd');
    expect(await agent.cli('undo', '--local', '--confirm', 'cp1')).toMatchObject({
      code: 5,
      output: expect.stringContaining('systemctl stop lockstep-agent') as string,
    });
    await agent.stop();
    expect(await agent.cli('undo', '--local', '--confirm', 'cp2')).toMatchObject({ code: 2 });
    const undone = await agent.cli('undo', '--local', '--confirm', 'cp1');
    expect(undone).toMatchObject({ code: 0 });
    expect(undone.output).toContain('OLD is in place at /var/lib/etcd');

    await agent.start();
    await expect(agent.commit(operation)).rejects.toMatchObject({ code: 'ALREADY_UNDONE' });
    await agent.done(operation, Step.STEP_UNDO_VERIFY);
    await expect.poll(oldState, { timeout: 10_000 }).toStrictEqual(before);
    expect(await lab.has('after')).toBe(true);
  });
});

describe('a restore', () => {
  it('goes through although the agent is killed in each step', { timeout: TEST_TIMEOUT_MS }, async () => {
    const old = await oldState();
    const operation = await begin();
    const killedIn = async ([name, step]: readonly [string, Step]): Promise<void> => {
      await agent.restart(atEndOf(name, { pauseMs: 60_000 }));
      const begun = (await agent.ledger()).effects.length;
      const cut = agent.execute(operation, step).catch((error: unknown) => error);
      await expect
        .poll(async () => (await agent.ledger()).effects.length, { timeout: 10_000 })
        .toBe(begun + 1);
      await agent.stop('SIGKILL');
      expect(await cut).toMatchObject({ code: 'UNREACHABLE' });
      await agent.start();
      await agent.done(operation, step);
      await agent.done(operation, step);
    };
    for (const step of FORWARD) await killedIn(step);
    const observed = await agent.observe();
    expect(observed).toMatchObject({ serving: true });
    expect(observed.clusterId).not.toBe(old.clusterId);

    await agent.commit(operation);
    await agent.commit(operation);
    for (const step of UNDO) {
      await expect(agent.execute(operation, step)).rejects.toMatchObject({ code: 'ALREADY_COMMITTED' });
    }
    for (const step of AFTER_COMMIT) await killedIn(step);

    expect(await lab.has('before')).toBe(true);
    expect(await lab.has('after')).toBe(false);
    const kept = await stat(agent.node.path(`/var/lib/.lockstep/${operation.operationId}/store`), {
      bigint: true,
    });
    expect({ device: kept.dev, number: kept.ino }).toStrictEqual(old.dataDir);
    expect(await agent.ledger()).toMatchObject({ state: OperationState.OPERATION_STATE_CLOSED });
    await agent.stop();
    expect(await agent.cli('undo', '--local', '--confirm', 'cp1')).toMatchObject({
      code: 5,
      output: expect.stringContaining('ALREADY_COMMITTED') as string,
    });
  });
});

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  injectOnAgents,
  put,
  runRestore,
  type Said,
  saidBy,
  saveSnapshot,
  waitServing,
} from '../e2e/support/cluster.ts';
import { loadObjects } from '../e2e/support/objects.ts';
import { Lab } from '../lab/lab.ts';
import type { LabNode } from '../lab/lab-node.ts';
import { AGENT_PORT } from '../lab/network.ts';
import { locateStrace } from '../lab/tools/locate.ts';
import { EXECUTOR_RULES, type Judged, judge, type Layout } from './syscalls/rules.ts';
import { mayTrace, pathsBelow, traceProcess } from './syscalls/strace.ts';

const strace = await locateStrace();
const canTrace = strace !== undefined && mayTrace();

/**
 * The real agent of one node under strace while a real restore and a real rollback pass over it: what
 * must be durable before what, from the hold on kubelet to the answer on the wire.
 */
describe.skipIf(!canTrace)('system calls of an agent in a restore (needs strace: npm run tools)', () => {
  let lab: Lab;
  let node: LabNode;
  let snapshot: string;
  beforeAll(async () => {
    lab = await Lab.up({ nodes: 3, failpoints: true });
    node = lab.node('cp2');
    await loadObjects(lab);
    await put(lab, '/registry/configmaps/default/deed', 'good');
    snapshot = await saveSnapshot(lab, '--node', 'cp1');
  });
  afterAll(async () => lab?.down());

  async function judged<T>(body: () => Promise<T>): Promise<{ answer: T; judged: Judged }> {
    const agent = await node.unitProcess('lockstep-agent');
    if (agent === undefined) throw new Error('cp2 has no agent');
    const output = join(lab.directory, 'trace');
    const layout: Layout = {
      root: node.root,
      ledger: node.path('/var/lib/lockstep/ledger.db'),
      manifests: node.path('/etc/kubernetes/manifests'),
      parked: node.path('/etc/kubernetes/lockstep'),
      dataDir: node.path('/var/lib/etcd'),
      staging: node.path('/var/lib/.lockstep'),
      hold: node.path('/var/lib/lockstep/kubelet.hold'),
      unitDir: node.path('/etc/systemd/system'),
      address: `${node.address}:${AGENT_PORT}`,
    };
    const existing = pathsBelow(node.root);
    const tracing = await traceProcess(strace ?? '', agent.pid, output);
    let answer: T;
    try {
      answer = await body();
    } finally {
      await tracing.detach();
    }
    const edges = tracing.edges();
    rmSync(output);
    return { answer, judged: judge(edges, EXECUTOR_RULES, layout, existing) };
  }

  it('that takes a snapshot have synced it before it bears its name', async () => {
    const { answer, judged: of } = await judged(async () =>
      lab.lockstep(['snapshot', 'save', '--node', 'cp2', '--reason', 'traced', '-o', 'json']),
    );
    expect(answer.exitCode, answer.stderr).toBe(0);
    expect((saidBy(answer) as Said & { snapshot: { node: string } }).snapshot.node).toBe('cp2');
    expect(of.violations).toEqual([]);
    expect(of.asked.get('a file gets its name after its bytes are durable')).toBe(2);
  });

  it('that is rolled back after NEW had started keep the order', async () => {
    injectOnAgents(lab, { step: 'STEP_PREPARE_GATE', action: 'fail' });
    const { answer, judged: of } = await judged(async () => runRestore(lab, snapshot));
    injectOnAgents(lab);
    expect(answer.said.outcome).toBe('rolled-back');
    expect(of.violations).toEqual([]);
    // There and back again.
    expect(of.asked.get('stores are exchanged after all in them is durable')).toBe(2);
    expect(of.asked.get('etcd’s manifest returns after the stores’ names are durable')).toBe(2);
    expect(of.asked.get('kubelet is stopped after the hold is durable')).toBeGreaterThanOrEqual(2);
    for (const [name, times] of of.asked) expect(times, name).toBeGreaterThan(0);
    await waitServing(lab);
  });

  it('that restores keep the order', async () => {
    const { answer, judged: of } = await judged(async () => runRestore(lab, snapshot));
    expect(answer.said.outcome).toBe('restored');
    expect(of.violations).toEqual([]);
    expect(of.asked.get('stores are exchanged after all in them is durable')).toBe(1);
    for (const [name, times] of of.asked) expect(times, name).toBeGreaterThan(0);
    await waitServing(lab);
  });
});

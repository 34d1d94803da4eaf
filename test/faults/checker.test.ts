import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
} from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  injectOnAgents,
  put,
  runRestore,
  saveSnapshot,
  valuesOf,
  waitServing,
} from '../e2e/support/cluster.ts';
import { loadObjects } from '../e2e/support/objects.ts';
import { Lab } from '../lab/lab.ts';
import type { LabNode } from '../lab/lab-node.ts';
import { type Baseline, observeBaseline } from './checker/baseline.ts';
import { checkNodes, type Expectation } from './checker/check.ts';
import { watchNodes } from './checker/watch.ts';

const KEY = '/registry/configmaps/default/deed';
const content = { key: KEY, snapshot: 'good', live: 'bad' };

/** The checker that judges every fault says nothing of what is well, and names each thing that is not. */
describe('the independent checker', () => {
  let lab: Lab;
  let node: LabNode;
  let snapshot: string;
  let before: Baseline;
  beforeAll(async () => {
    lab = await Lab.up({ nodes: 3, failpoints: true });
    node = lab.node('cp2');
    await loadObjects(lab);
    await put(lab, KEY, 'good');
    snapshot = await saveSnapshot(lab);
    await put(lab, KEY, 'bad');
  });
  afterAll(async () => lab?.down());

  async function operate(): Promise<Expectation> {
    before = await observeBaseline(lab);
    const watch = watchNodes(lab, before);
    const { said } = await runRestore(lab, snapshot);
    await waitServing(lab);
    const outcome = said.outcome as Expectation['outcome'];
    expect(['restored', 'rolled-back'], JSON.stringify(said)).toContain(outcome);
    expect(await watch.stop()).toEqual([]);
    expect(watch.looks).toBeGreaterThan(10);
    return { outcome, operationId: said.operationId, before, content };
  }

  /** What it finds while something is wrong on cp2, which is put right afterwards. */
  async function foundWith(
    expectation: Expectation,
    wrong: () => (() => void) | Promise<() => void>,
  ): Promise<string> {
    const right = await wrong();
    try {
      return (await checkNodes(lab, { ...expectation, serveKept: false })).join('\n');
    } finally {
      right();
    }
  }

  it('finds nothing after a rollback, and every trace of a half one', async () => {
    injectOnAgents(lab, { step: 'STEP_START_ETCD', node: 'cp2', action: 'fail' });
    const expectation = await operate();
    injectOnAgents(lab);
    expect(expectation.outcome).toBe('rolled-back');
    expect(await checkNodes(lab, expectation)).toEqual([]);

    const restored: Expectation = { ...expectation, outcome: 'restored' };
    const asRestored = (await checkNodes(lab, restored)).join('\n');
    expect(asRestored).toContain('OLD is still in place after a restore');
    expect(asRestored).toContain("cp1: the ledger says 'undone' and not 'committed, closed'");
    expect(asRestored).toContain(`cp3: ${KEY} is 'bad', not 'good'`);
    expect(asRestored).toContain("the cluster's id is");

    const touch = (hostPath: string): (() => () => void) => {
      const path = node.path(hostPath);
      return () => {
        mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
        closeSync(openSync(path, 'w'));
        return () => rmSync(path);
      };
    };
    expect(await foundWith(expectation, touch('/etc/kubernetes/lockstep/r-1/etcd.yaml'))).toBe(
      'cp2: still parked: etcd.yaml',
    );
    expect(await foundWith(expectation, touch('/var/lib/lockstep/kubelet.hold'))).toBe(
      'cp2: kubelet is still held',
    );
    expect(await foundWith(expectation, touch(`/var/lib/.lockstep/${expectation.operationId}/half`))).toBe(
      'cp2: a staging directory is left',
    );
    rmSync(node.path(`/var/lib/.lockstep/${expectation.operationId}`), { recursive: true });
    expect(await foundWith(expectation, touch('/var/lib/lockstep/snapshots/.s-1.part'))).toBe(
      'cp2: half snapshots: .s-1.part',
    );
  });

  it('finds nothing after a restore, and OLD changed, cut or gone', async () => {
    const expectation = await operate();
    expect(expectation.outcome).toBe('restored');
    expect(await checkNodes(lab, expectation)).toEqual([]);

    const kept = node.path(`/var/lib/.lockstep/${expectation.operationId}/store`);
    const wal = `${kept}/member/wal/${readdirSync(`${kept}/member/wal`).find((name) => name.endsWith('.wal'))}`;
    const asRolledBack = await checkNodes(lab, { ...expectation, outcome: 'rolled-back' });
    expect(asRolledBack.join('\n')).toContain('cp1: OLD is not in place after a rollback');
    expect(asRolledBack.join('\n')).toContain("OLD's content at");

    expect(
      await foundWith(expectation, () => {
        renameSync(kept, `${kept}.away`);
        return () => renameSync(`${kept}.away`, kept);
      }),
    ).toMatch(/cp2: OLD \(\d+:\d+\) is gone/);
    copyFileSync(wal, `${kept}/../wal.copy`);
    truncateSync(wal, 0);
    const cut = await checkNodes(lab, expectation);
    expect(cut.join('\n')).toMatch(/cp2: .*wal holds no log/);
    expect(cut.join('\n')).toMatch(/cp2: OLD's member\/wal\/.*\.wal was written \d+ ms after the fence/);
    expect(cut.join('\n')).toMatch(/cp2: kept OLD says .* cannot be served/);
  });

  it('sees a second process on a store, and a manifest over a store that is none', async () => {
    const bad = await observeBaseline(lab);
    const watch = watchNodes(lab, bad);
    const path = node.path('/var/lib/etcd/member/snap/db');
    const data = node.path('/var/lib/etcd');
    // A process that writes to the store under etcd's name, as a second etcd would.
    const second = `${lab.directory}/etcd`;
    copyFileSync('/bin/sleep', second);
    chmodSync(second, 0o755);
    const child = spawn('bash', ['-c', 'exec 9<>"$1"; exec "$2" 1', 'bash', path, second]);
    await once(child, 'close');
    renameSync(data, `${data}.away`);
    await new Promise((resolve) => setTimeout(resolve, 300));
    renameSync(`${data}.away`, data);
    const seen = (await watch.stop()).join('\n');
    expect(seen).toMatch(/cp2: processes \d+ and \d+ write to one store/);
    expect(seen).toMatch(/cp2: etcd's manifest is live, and .*var\/lib\/etcd is not there/);
    expect(new Set(await valuesOf(lab, KEY)).size).toBe(1);
  });

  it('holds a ledger against the fence', async () => {
    const expectation: Expectation = {
      outcome: 'needs-operator',
      operationId: 'r-none',
      before: await observeBaseline(lab),
      content,
    };
    await lab.node('cp3').powerOff();
    const path = lab.node('cp3').path('/var/lib/lockstep/ledger.db');
    const database = new DatabaseSync(path);
    database.exec(
      "INSERT INTO promise (number, coordinator_id, operation_id, at_ms) VALUES (1, 'c', 'r', 9999999999999)",
    );
    database.exec(
      "INSERT INTO intent (operation_id, step, epoch_number, epoch_coordinator, detail, at_ms) SELECT operation_id, 7, 99, 'c', 'null', 9999999999999 FROM operation",
    );
    database.close();
    const found = (await checkNodes(lab, expectation)).join('\n');
    expect(found).toMatch(/cp3: promised 1\/c after \d+\/coordinator-1/);
    expect(found).toMatch(/cp3: step 7 was begun under 99\/c/);
  });
});

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { driftFields, driftSha256 } from '@lockstep/shared/plan/drift.ts';
import { describe, expect, it } from 'vitest';
import type { RunnableStep } from '../../core/operation.ts';
import { HANDLERS } from '../handlers.ts';
import type { StepOutcome } from '../step.ts';
import { Bench, benchPlan, NEW, OLD } from '../testing/bench.ts';

const signal = new AbortController().signal;
const ALL = '[etcd kube-apiserver kube-controller-manager kube-scheduler]';
const CLIENTS = '[kube-apiserver kube-controller-manager kube-scheduler]';
const PARKED = '/etc/kubernetes/lockstep/r-1';
const STORE = '/var/lib/etcd';
const STAGING = '/var/lib/.lockstep/r-1';
const OTHER = `${STAGING}/store`;
const PROOF = `hosting.proveStopped r-1`;
const RECORDED = { intent: { old: OLD, new: NEW } };

/** Does the step as the executor does it; `bench.calls` says what that came to. */
async function done(bench: Bench, step: RunnableStep): Promise<StepOutcome> {
  const handler = HANDLERS[step];
  const intent = (await handler.prepare?.(bench.context, signal)) ?? null;
  return handler.perform(bench.context, intent, signal);
}

const unproven = (): never => {
  throw new LockstepError('STOP_UNPROVEN', { message: 'still there' });
};

/** NEW in place, as the ledger recorded it. */
function swapped(): Bench {
  const bench = new Bench().did(Step.STEP_SWAP, { ...RECORDED, completion: {} });
  [bench.inPlace, bench.other] = [NEW, OLD];
  return bench;
}

const isRefused = (code: string) => expect.objectContaining({ code }) as Error;

describe('STAGE', () => {
  const found = { card: undefined, node: 'cp1', path: '', file: undefined };
  const facts = SnapshotFacts.fromPartial({ fileSha256: 'f' });

  it('keeps a copy that is good', async () => {
    const bench = new Bench();
    bench.on['snapshots.find'] = () => found;
    bench.on['snapshots.verify'] = () => ({ facts, refusals: [] });
    expect((await done(bench, Step.STEP_STAGE)).detail).toEqual({ pulled: false, sha256: 'f' });
    expect(bench.calls).toEqual(['snapshots.find s-1', 'snapshots.verify s-1']);
  });

  it.each([
    ['is refused', { facts, refusals: [{ code: 'SNAPSHOT_CARD_MISMATCH' }] }],
    ['is another', { facts: SnapshotFacts.fromPartial({ fileSha256: 'g' }), refusals: [] }],
    ['cannot be read', { facts: undefined, refusals: [] }],
  ])('replaces a copy that %s', async (_what, verified) => {
    const bench = new Bench();
    bench.on['snapshots.find'] = () => found;
    bench.on['snapshots.verify'] = () => verified;
    expect((await done(bench, Step.STEP_STAGE)).detail).toEqual({ pulled: true, sha256: 'f' });
    expect(bench.calls.slice(2)).toEqual(['snapshots.remove s-1', 'pull']);
  });

  it('pulls what is not here, or has no card, from anybody else', async () => {
    for (const find of [() => undefined, () => Promise.reject(new Error('no card'))]) {
      const bench = new Bench();
      bench.on['snapshots.find'] = find;
      let from: unknown;
      bench.on['pull'] = (_card: never, sources: never) => (from = sources);
      await done(bench, Step.STEP_STAGE);
      expect(from).toMatchObject([{ node: 'cp2' }]);
    }
  });

  it('touches nothing under a card that is not trusted', async () => {
    const bench = new Bench();
    bench.on['judgeSeals'] = () => [{ code: 'SIGNER_REVOKED', message: 'revoked' }];
    bench.on['snapshots.find'] = () => found;
    bench.on['snapshots.verify'] = () => ({ facts, refusals: [] });
    await expect(done(bench, Step.STEP_STAGE)).rejects.toThrow(isRefused('SIGNER_REVOKED'));
    expect(bench.calls).toEqual([]);
  });

  it('has nothing to pull from where the plan names this node alone', async () => {
    const bench = new Bench(benchPlan({ sources: [{ node: 'cp1', address: '' }] }));
    await expect(done(bench, Step.STEP_STAGE)).rejects.toThrow(isRefused('PULL_FAILED'));
  });
});

const builtFacts = SnapshotFacts.fromPartial({
  contentSha256: 'c',
  status: { revision: 100n },
  members: [{ name: 'cp1', peerUrls: ['https://a:2380'] }],
});

describe('BUILD', () => {
  it('begins on clean ground, builds, follows OLD, and reads NEW whole before it names it', async () => {
    const bench = new Bench();
    bench.on['readStoreFacts'] = () => builtFacts;
    const { detail } = await done(bench, Step.STEP_BUILD);
    expect(bench.calls).toEqual([
      `stores.removeOwnTree ${OTHER} r-1`,
      `stores.makeDirectory ${STAGING}`,
      'builder.restore',
      `stores.adopt ${OTHER} ${STORE}`,
      `readStoreFacts ${OTHER}/member/snap/db`,
    ]);
    expect(detail).toEqual({ inode: NEW, contentSha256: 'c' });
  });

  it.each([
    ['a tool', { etcdutl: undefined }, {}],
    ['the facts of its snapshot', {}, { snapshot: { id: 's-1', facts: undefined } }],
  ])('needs %s', async (_what, node, change) => {
    const plan = benchPlan(change);
    Object.assign(plan.nodes[0] ?? {}, node);
    const bench = new Bench(plan);
    bench.on['readStoreFacts'] = () => builtFacts;
    await expect(done(bench, Step.STEP_BUILD)).rejects.toThrow(isRefused('PLAN_UNKNOWN'));
  });

  it('is nothing where NEW is not what the plan says, or not there', async () => {
    const other = new Bench();
    other.on['readStoreFacts'] = () => ({ ...builtFacts, contentSha256: 'd' });
    await expect(done(other, Step.STEP_BUILD)).rejects.toThrow(isRefused('BUILD_CONTENT_DIFFERS'));
    const gone = new Bench();
    gone.on['readStoreFacts'] = () => builtFacts;
    gone.other = undefined;
    await expect(done(gone, Step.STEP_BUILD)).rejects.toThrow(isRefused('PLAN_UNKNOWN'));
  });
});

describe('SAFEGUARD', () => {
  it('records OLD, leaves the way back in words, and makes the hold ready', async () => {
    const bench = new Bench();
    bench.on['member.observe'] = () => ({ revision: 5n });
    const { detail } = await done(bench, Step.STEP_SAFEGUARD);
    expect(bench.calls).toEqual([
      'stores.makeDirectory /var/lib/lockstep/operations/r-1',
      'member.observe',
      'hosting.waitApiReady',
      expect.stringContaining('stores.writeFile /var/lib/lockstep/operations/r-1/plan.json'),
      'stores.writeFile /var/lib/lockstep/operations/r-1/UNDO.txt by hand',
      'hosting.prepareHold',
    ]);
    expect(detail).toMatchObject({
      baseline: { serving: true, revision: 5n },
      apiReady: true,
      old: OLD,
      new: NEW,
    });
  });

  it('records an OLD that does not serve as that, and gives up for who gave up', async () => {
    const bench = new Bench();
    bench.on['member.observe'] = () => Promise.reject(new Error('no leader'));
    bench.on['hosting.waitApiReady'] = () => Promise.reject(new Error('not ready'));
    const { detail } = await done(bench, Step.STEP_SAFEGUARD);
    expect(detail).toMatchObject({ baseline: { serving: false, because: 'no leader' }, apiReady: false });
    const gone = AbortSignal.abort(new Error('given up'));
    for (const port of ['member.observe', 'hosting.waitApiReady']) {
      const late = new Bench();
      late.on[port] = () => Promise.reject(new Error('x'));
      await expect(HANDLERS[Step.STEP_SAFEGUARD].perform(late.context, null, gone)).rejects.toThrow(
        'given up',
      );
      expect(late.calls).not.toContain('hosting.prepareHold');
    }
  });

  it('expects no API server of a node that has none', async () => {
    const plan = benchPlan();
    for (const node of plan.nodes) node.manifests.splice(1);
    const { detail } = await done(new Bench(plan), Step.STEP_SAFEGUARD);
    expect(detail).toMatchObject({ apiReady: false });
  });
});

describe('REINSPECT', () => {
  const report = NodeReport.fromPartial({
    node: 'cp1',
    kubelet: { unit: 'kubelet.service' },
    disks: [{ device: 1n, freeBytes: 1000n }],
  });
  const planned = (change: object = {}): Bench => {
    const fields = driftFields(report);
    const plan = benchPlan();
    Object.assign(plan.nodes[0] ?? {}, {
      driftSha256: driftSha256(fields),
      driftFields: fields,
      neededBytes: 1000n,
      ...change,
    });
    const bench = new Bench(plan);
    bench.on['describe'] = () => report;
    bench.on['readStoreFacts'] = () => builtFacts;
    return bench;
  };

  it('passes what is as it was, and a NEW that is whole', async () => {
    const bench = planned();
    const { result, detail } = await done(bench, Step.STEP_REINSPECT);
    expect([result, detail]).toMatchObject([undefined, { driftSha256: expect.any(String) }]);
    expect(bench.calls).toEqual(['describe', `readStoreFacts ${OTHER}/member/snap/db`]);
  });

  it('passes no NEW that a second BUILD left half, and says that it is NEW', async () => {
    const bench = planned();
    bench.on['readStoreFacts'] = () =>
      Promise.reject(new LockstepError('SNAPSHOT_CORRUPT', { message: 'Page 7 is none.' }));
    await expect(done(bench, Step.STEP_REINSPECT)).rejects.toMatchObject({
      code: 'BUILD_CONTENT_DIFFERS',
      node: 'cp1',
      message: 'The new store on cp1 is not whole: Page 7 is none.',
    });
    for (const other of [new LockstepError('FILE_NOT_READABLE'), new Error('the disk is gone')]) {
      bench.on['readStoreFacts'] = () => Promise.reject(other);
      await expect(done(bench, Step.STEP_REINSPECT)).rejects.toBe(other);
    }
    bench.on['readStoreFacts'] = () => ({ ...builtFacts, contentSha256: 'd' });
    await expect(done(bench, Step.STEP_REINSPECT)).rejects.toThrow(isRefused('BUILD_CONTENT_DIFFERS'));
  });

  it('needs the facts of the snapshot to count its bytes', async () => {
    const bench = planned();
    Object.assign(bench.plan.snapshot ?? {}, { facts: undefined });
    await expect(done(bench, Step.STEP_REINSPECT)).rejects.toThrow(isRefused('PLAN_UNKNOWN'));
  });

  it('says what drifted, and that something did where no field tells', async () => {
    const drifted = planned();
    drifted.on['describe'] = () => ({ ...report, kubelet: { ...report.kubelet, unit: 'other.service' } });
    const { result } = await done(drifted, Step.STEP_REINSPECT);
    expect(result?.failure).toMatchObject({ code: 'PLAN_DRIFTED' });
    expect(result?.drift).toHaveLength(1);
    const silent = await done(planned({ driftSha256: 'another' }), Step.STEP_REINSPECT);
    expect(silent.result?.failure?.code).toBe('PLAN_DRIFTED');
    expect(silent.result?.drift).toHaveLength(1);
  });

  it.each([
    ['a member that is silent', { etcd: { serving: false } }],
    ['a part that could not be looked at', { failures: [{ code: 'NODE_INSPECTION_FAILED' }] }],
  ])('looks again at %s, a few times', async (_what, change) => {
    const other = { ...NodeReport.fromPartial(change), kubelet: { ...report.kubelet, unit: 'unknown' } };
    const looks = async (unclear: number): Promise<[string | undefined, number]> => {
      const bench = planned();
      let looked = 0;
      bench.on['describe'] = () => ((looked += 1) <= unclear ? other : report);
      const { result } = await done(bench, Step.STEP_REINSPECT);
      return [result?.failure?.code, looked];
    };
    expect(await looks(2)).toEqual([undefined, 3]);
    expect(await looks(9)).toEqual(['PLAN_DRIFTED', 3]);
  });

  it.each([
    ['a drift that is clear', { kubelet: { unit: 'other.service' } }, 'PLAN_DRIFTED', []],
    [
      'a node that is as planned, whatever could not be looked at',
      { failures: [{ code: 'NODE_INSPECTION_FAILED' }] },
      undefined,
      [`readStoreFacts ${OTHER}/member/snap/db`],
    ],
  ])('looks once at %s', async (_what, change, code, proof) => {
    const bench = planned();
    bench.on['describe'] = () => NodeReport.fromPartial({ ...report, ...change });
    const { result } = await done(bench, Step.STEP_REINSPECT);
    expect(result?.failure?.code).toBe(code);
    expect(bench.calls).toEqual(['describe', ...proof]);
  });

  it('says that the disk is full now, and drift before that', async () => {
    const full = await done(planned({ neededBytes: 1001n }), Step.STEP_REINSPECT);
    expect(full.result?.failure?.code).toBe('SPACE_TOO_LITTLE');
    const both = await done(planned({ neededBytes: 1001n, driftSha256: 'another' }), Step.STEP_REINSPECT);
    expect(both.result?.failure?.code).toBe('PLAN_DRIFTED');
    expect(both.result?.drift?.map(({ code }) => code)).toEqual(['PLAN_DRIFTED', 'SPACE_TOO_LITTLE']);
  });
});

describe('the fence', () => {
  it('holds kubelet, parks everything, stops the API side and proves it', async () => {
    const bench = new Bench();
    await done(bench, Step.STEP_FENCE_API);
    expect(bench.calls).toEqual([
      'hosting.holdKubelet r-1',
      `hosting.parkManifests ${ALL} ${PARKED}`,
      `hosting.stopComponents ${CLIENTS}`,
      `${PROOF} ${CLIENTS}`,
    ]);
  });

  it('stops etcd and proves everything', async () => {
    const bench = new Bench();
    await done(bench, Step.STEP_FENCE_ETCD);
    expect(bench.calls).toEqual(['hosting.stopComponents [etcd]', `${PROOF} ${ALL}`]);
  });

  it.each([Step.STEP_FENCE_API, Step.STEP_FENCE_ETCD] as const)(
    '%i waits for a proof, and not for ever',
    async (step) => {
      const slow = new Bench();
      let proofs = 0;
      slow.on['hosting.proveStopped'] = () => {
        proofs += 1;
        return proofs < 3 ? unproven() : undefined;
      };
      await done(slow, step);
      expect(proofs).toBe(3);
      const never = new Bench();
      never.on['hosting.proveStopped'] = unproven;
      await expect(done(never, step)).rejects.toThrow(isRefused('STOP_UNPROVEN'));
      // Five seconds, looked at every twenty milliseconds; the last look is past them.
      expect(never.nowMs).toBe(1_000_000 + 5_020);
    },
  );

  it('asks for no second proof where the first one broke, or nobody waits', async () => {
    const broken = new Bench();
    broken.on['hosting.proveStopped'] = () => {
      throw new LockstepError('CONTAINER_RUNTIME_FAILED', { message: 'x' });
    };
    await expect(done(broken, Step.STEP_FENCE_ETCD)).rejects.toThrow(isRefused('CONTAINER_RUNTIME_FAILED'));
    expect(broken.calls).toHaveLength(2);
    const late = new Bench();
    late.on['hosting.proveStopped'] = unproven;
    const gone = AbortSignal.abort(new Error('given up'));
    await expect(HANDLERS[Step.STEP_FENCE_ETCD].perform(late.context, null, gone)).rejects.toThrow(
      isRefused('STOP_UNPROVEN'),
    );
  });
});

describe('SWAP', () => {
  const built = (): Bench => new Bench().did(Step.STEP_BUILD, { completion: { inode: NEW } });
  const intent = { old: OLD, new: NEW };

  it('records both stores, and exchanges them under the proof', async () => {
    const bench = built();
    expect(await HANDLERS[Step.STEP_SWAP].prepare?.(bench.context, signal)).toEqual(intent);
    expect((await done(bench, Step.STEP_SWAP)).detail).toEqual({ exchanged: true });
    expect(bench.calls).toEqual(['stores.exchange', `${PROOF} [etcd]`]);
    expect([bench.inPlace, bench.other]).toEqual([NEW, OLD]);
  });

  it('repeats the first record, whatever lies there now', async () => {
    const bench = built().did(Step.STEP_SWAP, { intent });
    [bench.inPlace, bench.other] = [NEW, OLD];
    expect(await HANDLERS[Step.STEP_SWAP].prepare?.(bench.context, signal)).toEqual(intent);
  });

  it('once exchanged only syncs and proves again', async () => {
    const bench = built().did(Step.STEP_SWAP, { intent });
    [bench.inPlace, bench.other] = [NEW, OLD];
    expect((await done(bench, Step.STEP_SWAP)).detail).toEqual({ exchanged: false });
    expect(bench.calls).toEqual([`stores.syncNames [${STORE} ${OTHER}]`, `${PROOF} [etcd]`]);
  });

  it.each<[string, (bench: Bench) => void]>([
    ['OLD is not there', (bench) => (bench.inPlace = undefined)],
    ['NEW is not there', (bench) => (bench.other = undefined)],
    ['OLD is not the planned one', (bench) => (bench.inPlace = { device: 1n, number: 11n })],
    ['NEW is not the built one', (bench) => (bench.other = { device: 1n, number: 21n })],
    ['NEW was never built whole', (bench) => bench.did(Step.STEP_BUILD)],
  ])('records nothing where %s', async (_what, change) => {
    const bench = built();
    change(bench);
    await expect(done(bench, Step.STEP_SWAP)).rejects.toThrow(isRefused('STORE_NOT_AS_RECORDED'));
    expect(bench.calls).toEqual([]);
  });

  it('knows an OLD that is a mount point by its place', async () => {
    const plan = benchPlan();
    Object.assign(plan.nodes[0]?.etcd?.oldStore ?? {}, { isMountPoint: true, dataDirInode: undefined });
    const bench = new Bench(plan).did(Step.STEP_BUILD, { completion: { inode: NEW } });
    expect((await done(bench, Step.STEP_SWAP)).detail).toEqual({ exchanged: true });
  });

  it('knows no OLD without a plan of its inode', async () => {
    const plan = benchPlan();
    Object.assign(plan.nodes[0]?.etcd?.oldStore ?? {}, { dataDirInode: undefined });
    const bench = new Bench(plan).did(Step.STEP_BUILD, { completion: { inode: NEW } });
    await expect(done(bench, Step.STEP_SWAP)).rejects.toThrow(isRefused('STORE_NOT_AS_RECORDED'));
  });

  it('exchanges nothing that is not as recorded, and believes no exchange that changed nothing', async () => {
    const strange = built().did(Step.STEP_SWAP, { intent });
    strange.inPlace = { device: 1n, number: 99n };
    await expect(done(strange, Step.STEP_SWAP)).rejects.toThrow(isRefused('STORE_NOT_AS_RECORDED'));
    expect(strange.calls).toEqual([]);
    const idle = built();
    idle.on['stores.exchange'] = () => undefined;
    await expect(done(idle, Step.STEP_SWAP)).rejects.toThrow(isRefused('STORE_NOT_AS_RECORDED'));
  });
});

describe('the start of NEW', () => {
  it('kubelet starts over NEW, with none of our manifests', async () => {
    const bench = swapped();
    await done(bench, Step.STEP_START_KUBELET);
    expect(bench.calls).toEqual(['hosting.releaseKubelet r-1']);
    bench.manifests = ['etcd'];
    await expect(done(bench, Step.STEP_START_KUBELET)).rejects.toThrow(isRefused('PLAN_DRIFTED'));
    // Once etcd was started its manifest is there by right.
    bench.did(Step.STEP_START_ETCD);
    await done(bench, Step.STEP_START_KUBELET);
    expect(bench.calls).toHaveLength(2);
  });

  it('etcd starts over NEW, and serves its peers before it is done', async () => {
    const bench = swapped();
    await done(bench, Step.STEP_START_ETCD);
    expect(bench.calls).toEqual([`hosting.returnManifest etcd ${PARKED}`, 'hosting.waitServingPeers']);
  });

  it.each([Step.STEP_START_KUBELET, Step.STEP_START_ETCD] as const)(
    '%i starts nothing over anything else',
    async (step) => {
      const old = new Bench().did(Step.STEP_SWAP, RECORDED);
      await expect(done(old, step)).rejects.toThrow(isRefused('STORE_NOT_AS_RECORDED'));
      const unrecorded = new Bench();
      await expect(done(unrecorded, step)).rejects.toThrow(isRefused('STORE_NOT_AS_RECORDED'));
      expect([...old.calls, ...unrecorded.calls]).toEqual([]);
    },
  );
});

describe('PREPARE_GATE', () => {
  it('waits for a leader, disarms what was planned, and writes once', async () => {
    const bench = new Bench(benchPlan({ alarmsToDisarm: ['NOSPACE'] }));
    let asked = 0;
    bench.on['member.observe'] = () => {
      asked += 1;
      return asked < 3 ? Promise.reject(new Error('no leader')) : {};
    };
    expect(await done(bench, Step.STEP_PREPARE_GATE)).toEqual({
      result: { canaryRevision: 42n },
      detail: { canaryRevision: 42n },
    });
    expect(bench.calls).toEqual([
      'member.observe',
      'member.observe',
      'member.observe',
      'member.disarmAlarms [NOSPACE]',
      'member.writeCanary r-1',
    ]);
    const calm = new Bench();
    await done(calm, Step.STEP_PREPARE_GATE);
    expect(calm.calls).toEqual(['member.observe', 'member.writeCanary r-1']);
  });

  it('puts this place in where it can be written, and before the canary: the gate’s revision has it', async () => {
    const bench = new Bench(benchPlan({ alarmsToDisarm: ['NOSPACE'] }));
    const cures = [{ key: Buffer.from('/registry/minions/old'), value: Buffer.alloc(0) }];
    Object.assign(bench.plan, { cures });
    await done(bench, Step.STEP_PREPARE_GATE);
    expect(bench.calls.map((call) => call.split(' ')[0])).toEqual([
      'member.observe',
      'member.disarmAlarms',
      'member.putCures',
      'member.writeCanary',
    ]);
  });

  it('writes nothing where it has written', async () => {
    const bench = new Bench().did(Step.STEP_PREPARE_GATE, { completion: { canaryRevision: '7' } });
    expect((await done(bench, Step.STEP_PREPARE_GATE)).result).toEqual({ canaryRevision: 7n });
    expect(bench.calls).toEqual([]);
  });

  it('says what the member said last where nobody waits any more', async () => {
    const bench = new Bench();
    const controller = new AbortController();
    let asked = 0;
    bench.on['member.observe'] = () => {
      asked += 1;
      if (asked === 2) controller.abort(new Error('given up'));
      return Promise.reject(new Error(`no leader ${asked}`));
    };
    await expect(
      HANDLERS[Step.STEP_PREPARE_GATE].perform(bench.context, null, controller.signal),
    ).rejects.toThrow('no leader 1');
    const gone = AbortSignal.abort(new Error('given up'));
    await expect(HANDLERS[Step.STEP_PREPARE_GATE].perform(new Bench().context, null, gone)).rejects.toThrow(
      'given up',
    );
  });
});

describe('after the commit', () => {
  it('the API server returns and is ready', async () => {
    const bench = new Bench();
    await done(bench, Step.STEP_START_API);
    expect(bench.calls).toEqual([`hosting.returnManifest kube-apiserver ${PARKED}`, 'hosting.waitApiReady']);
  });

  it('controllers return, then leases of API servers that are no more go', async () => {
    const bench = new Bench();
    await done(bench, Step.STEP_START_CONTROLLERS);
    expect(bench.calls).toEqual([
      `hosting.returnManifest kube-controller-manager ${PARKED}`,
      `hosting.returnManifest kube-scheduler ${PARKED}`,
      'member.dropStaleMasterLeases /registry [10.0.0.1]',
    ]);
  });

  it('a node returns only what it has', async () => {
    const plan = benchPlan();
    for (const node of plan.nodes) node.manifests.splice(1);
    const bench = new Bench(plan);
    await done(bench, Step.STEP_START_API);
    await done(bench, Step.STEP_START_CONTROLLERS);
    expect(bench.calls).toEqual(['member.dropStaleMasterLeases /registry []']);
  });
});

describe('undo', () => {
  it('of NEW in place: held, parked, stopped, proven, exchanged back', async () => {
    const bench = swapped();
    bench.kubelet = { held: false, marked: false, active: true };
    bench.manifests = ['etcd', 'kube-apiserver'];
    bench.on['hosting.holdKubelet'] = () => (bench.kubelet = { held: true, marked: true, active: false });
    bench.on['hosting.parkManifests'] = () => (bench.manifests = []);
    let stopped = false;
    bench.on['hosting.stopComponents'] = () => (stopped = true);
    bench.on['hosting.proveStopped'] = () => (stopped ? undefined : unproven());
    expect((await done(bench, Step.STEP_UNDO_STOP)).detail).toEqual({
      actions: ['hold-kubelet', 'park-manifests', 'stop-components', 'exchange-back'],
    });
    expect(bench.calls).toEqual([
      'hosting.holdKubelet r-1',
      `hosting.parkManifests ${ALL} ${PARKED}`,
      `${PROOF} ${ALL}`,
      `hosting.stopComponents ${ALL}`,
      `${PROOF} ${ALL}`,
      `${PROOF} ${ALL}`,
      'stores.exchange',
      `${PROOF} ${ALL}`,
      // Nobody has come in between.
      `${PROOF} ${ALL}`,
      `stores.syncNames [${STORE} ${OTHER}]`,
    ]);
    expect(bench.inPlace).toEqual(OLD);
  });

  it('of NEW that somebody had stopped makes that durable before anything moves', async () => {
    const bench = swapped();
    await done(bench, Step.STEP_UNDO_STOP);
    expect(bench.calls).toEqual([
      `${PROOF} ${ALL}`,
      'hosting.holdKubelet r-1',
      `hosting.parkManifests ${ALL} ${PARKED}`,
      'stores.exchange',
      `${PROOF} ${ALL}`,
      // Nobody has come in between.
      `${PROOF} ${ALL}`,
      `stores.syncNames [${STORE} ${OTHER}]`,
    ]);
  });

  it('of NEW whose kubelet was let go: what is done in this try is not done twice, what is only seen is', async () => {
    const bench = swapped();
    bench.kubelet = { held: false, marked: true, active: false };
    bench.on['hosting.holdKubelet'] = () => (bench.kubelet = { held: true, marked: true, active: false });
    await done(bench, Step.STEP_UNDO_STOP);
    expect(bench.calls.filter((call) => /hold|park|exchange/.test(call))).toEqual([
      'hosting.holdKubelet r-1',
      `hosting.parkManifests ${ALL} ${PARKED}`,
      'stores.exchange',
    ]);
  });

  it.each([
    ['is not held', { held: false, marked: true, active: false }],
    ['runs', { held: true, marked: true, active: true }],
  ])('asks for no proof while kubelet %s', async (_what, kubelet) => {
    const bench = swapped();
    bench.kubelet = kubelet;
    bench.on['hosting.holdKubelet'] = () => Promise.reject(new Error('enough'));
    await expect(done(bench, Step.STEP_UNDO_STOP)).rejects.toThrow('enough');
    expect(bench.calls).toEqual(['hosting.holdKubelet r-1']);
  });

  it('that returned already makes that durable, once it was fenced at all', async () => {
    const back = (bench: Bench): Bench => {
      bench.kubelet = { held: false, marked: false, active: true };
      bench.manifests = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
      return bench;
    };
    const fenced = back(new Bench().did(Step.STEP_FENCE_API).did(Step.STEP_SWAP, RECORDED));
    await done(fenced, Step.STEP_UNDO_START);
    expect(fenced.calls).toEqual([
      `stores.syncNames [${STORE} ${OTHER}]`,
      `hosting.returnManifest etcd ${PARKED}`,
      `hosting.returnManifest kube-apiserver ${PARKED}`,
      `hosting.returnManifest kube-controller-manager ${PARKED}`,
      `hosting.returnManifest kube-scheduler ${PARKED}`,
      'hosting.releaseKubelet r-1',
    ]);
    const untouched = back(new Bench());
    await done(untouched, Step.STEP_UNDO_START);
    expect(untouched.calls).toEqual([]);
    const stopping = new Bench().did(Step.STEP_FENCE_API).did(Step.STEP_SWAP, RECORDED);
    await done(stopping, Step.STEP_UNDO_STOP);
    expect(stopping.calls).toEqual([`${PROOF} ${ALL}`, `stores.syncNames [${STORE} ${OTHER}]`]);
  });

  it('is durable where an outside hand was faster with one manifest', async () => {
    const bench = new Bench(benchPlan({ baseline: { serving: false } })).did(Step.STEP_FENCE_API);
    bench.on['hosting.returnManifest'] = (_plan: never, component: never) => {
      bench.manifests.push(component);
      if (component === 'kube-controller-manager') bench.manifests.push('kube-scheduler');
    };
    bench.on['hosting.releaseKubelet'] = () => (bench.kubelet = { held: false, marked: false, active: true });
    await done(bench, Step.STEP_UNDO_START);
    expect(bench.calls.filter((call) => /scheduler/.test(call))).toEqual([
      `hosting.returnManifest kube-scheduler ${PARKED}`,
    ]);
  });

  it('that returned in this try is as durable as each act made it', async () => {
    const bench = new Bench(benchPlan({ baseline: { serving: false } })).did(Step.STEP_FENCE_API);
    bench.on['hosting.returnManifest'] = (_plan: never, component: never) => bench.manifests.push(component);
    bench.on['hosting.releaseKubelet'] = () => (bench.kubelet = { held: false, marked: false, active: true });
    await done(bench, Step.STEP_UNDO_START);
    expect(bench.calls.filter((call) => /releaseKubelet|etcd/.test(call))).toEqual([
      `hosting.returnManifest etcd ${PARKED}`,
      'hosting.releaseKubelet r-1',
    ]);
    const bare = benchPlan();
    for (const node of bare.nodes) node.manifests.splice(0);
    const none = new Bench(bare).did(Step.STEP_FENCE_API);
    none.kubelet = { held: false, marked: false, active: true };
    await done(none, Step.STEP_UNDO_START);
    expect(none.calls).toEqual(['hosting.releaseKubelet r-1']);
  });

  it('gives up waiting for OLD, and looking for a proof, for who gave up', async () => {
    const bench = new Bench();
    const controller = new AbortController();
    bench.on['hosting.returnManifest'] = (_plan: never, component: never) => bench.manifests.push(component);
    bench.on['hosting.releaseKubelet'] = () => (bench.kubelet = { held: false, marked: false, active: true });
    bench.on['member.observe'] = () => {
      controller.abort(new Error('given up'));
      return Promise.reject(new Error('x'));
    };
    await expect(
      HANDLERS[Step.STEP_UNDO_START].perform(bench.context, null, controller.signal),
    ).rejects.toThrow('given up');
    expect(bench.calls.join()).not.toContain('kube-apiserver');
    const proving = swapped();
    const stopped = new AbortController();
    proving.on['hosting.proveStopped'] = () => {
      stopped.abort(new Error('given up'));
      return unproven();
    };
    await expect(
      HANDLERS[Step.STEP_UNDO_STOP].perform(proving.context, null, stopped.signal),
    ).rejects.toThrow('given up');
    expect(proving.calls).toEqual([`${PROOF} ${ALL}`]);
  });

  it('of an exchange that was undone stops what came up since: a container on its way starts NEW late', async () => {
    const bench = new Bench().did(Step.STEP_SWAP, RECORDED);
    let stopped = false;
    bench.on['hosting.stopComponents'] = () => {
      stopped = true;
    };
    bench.on['hosting.proveStopped'] = () => (stopped ? undefined : unproven());
    expect((await done(bench, Step.STEP_UNDO_STOP)).detail).toEqual({ actions: ['stop-components'] });
  });

  it('of an OLD that never left is proven, and syncs what may not have been', async () => {
    const bench = new Bench().did(Step.STEP_SWAP, RECORDED);
    await done(bench, Step.STEP_UNDO_STOP);
    expect(bench.calls).toEqual([`${PROOF} ${ALL}`, `stores.syncNames [${STORE} ${OTHER}]`]);
    // A ledger that was set back may have forgotten an exchange that was taken back.
    const early = new Bench();
    await done(early, Step.STEP_UNDO_STOP);
    expect(early.calls).toEqual([`stores.syncNames [${STORE} ${OTHER}]`]);
  });

  it('returns etcd, kubelet, and the API server once OLD serves', async () => {
    const bench = new Bench();
    bench.on['hosting.returnManifest'] = (_plan: never, component: never) => bench.manifests.push(component);
    bench.on['hosting.releaseKubelet'] = () => (bench.kubelet = { held: false, marked: false, active: true });
    let asked = 0;
    bench.on['member.observe'] = () => {
      asked += 1;
      return asked < 3 ? Promise.reject(new Error('no quorum')) : {};
    };
    await done(bench, Step.STEP_UNDO_START);
    expect(bench.calls).toEqual([
      `hosting.returnManifest etcd ${PARKED}`,
      'hosting.releaseKubelet r-1',
      'member.observe',
      'member.observe',
      'member.observe',
      `hosting.returnManifest kube-apiserver ${PARKED}`,
      `hosting.returnManifest kube-controller-manager ${PARKED}`,
      `hosting.returnManifest kube-scheduler ${PARKED}`,
    ]);
  });

  it('waits for no OLD that did not serve, and not for ever for one that did', async () => {
    const start = (bench: Bench): Promise<StepOutcome> => {
      bench.on['hosting.returnManifest'] = (_plan: never, component: never) =>
        bench.manifests.push(component);
      bench.on['hosting.releaseKubelet'] = () =>
        (bench.kubelet = { held: false, marked: false, active: true });
      bench.on['member.observe'] = () => Promise.reject(new Error('no quorum'));
      return done(bench, Step.STEP_UNDO_START);
    };
    const dead = new Bench(benchPlan({ baseline: { serving: false } }));
    await start(dead);
    expect(dead.calls).not.toContain('member.observe');
    const slow = new Bench();
    await start(slow);
    expect(slow.calls.at(-1)).toContain('kube-scheduler');
    expect(slow.nowMs).toBeGreaterThanOrEqual(1_030_000);
  });

  it.each<[string, (bench: Bench) => void, RunnableStep, string]>([
    [
      'of a store that nobody recorded stops',
      (bench) => (bench.inPlace = { device: 1n, number: 99n }),
      Step.STEP_UNDO_STOP,
      'STORE_NOT_AS_RECORDED',
    ],
    ['starts nothing over NEW', () => undefined, Step.STEP_UNDO_START, 'STEP_OUT_OF_ORDER'],
  ])('%s', async (_what, change, step, code) => {
    const bench = swapped();
    change(bench);
    await expect(done(bench, step)).rejects.toThrow(isRefused(code));
    expect(bench.calls.filter((call) => !call.startsWith(PROOF))).toEqual([]);
  });

  it('that comes no nearer ends after its bound', async () => {
    const bench = swapped();
    bench.kubelet = { held: false, marked: false, active: true };
    await expect(done(bench, Step.STEP_UNDO_STOP)).rejects.toThrow(isRefused('UNDO_FAILED'));
    expect(bench.calls).toHaveLength(24);
  });

  it('takes only a proof that failed for no proof', async () => {
    const broken = swapped();
    broken.on['hosting.proveStopped'] = () => Promise.reject(new TypeError('a defect'));
    await expect(done(broken, Step.STEP_UNDO_STOP)).rejects.toThrow('a defect');
    expect(broken.calls).toEqual([`${PROOF} ${ALL}`]);
    const gone = AbortSignal.abort(new Error('given up'));
    await expect(HANDLERS[Step.STEP_UNDO_STOP].perform(swapped().context, null, gone)).rejects.toThrow(
      'given up',
    );
  });
});

describe('UNDO_VERIFY', () => {
  const serving = { clusterId: 'old', members: [], revision: 0n };
  const fenced = (): Bench =>
    new Bench()
      .did(Step.STEP_STAGE, { completion: { pulled: true } })
      .did(Step.STEP_SAFEGUARD, { completion: { baseline: { serving: true }, apiReady: true } })
      .did(Step.STEP_FENCE_API, { completion: {} });

  it('waits until OLD serves as it did, then removes what is its own', async () => {
    const bench = fenced();
    let asked = 0;
    bench.on['member.observe'] = () => {
      asked += 1;
      return { ...serving, clusterId: asked < 2 ? 'other' : 'old' };
    };
    await done(bench, Step.STEP_UNDO_VERIFY);
    expect(bench.calls).toEqual([
      'member.observe',
      'member.observe',
      'hosting.waitApiReady',
      `stores.removeOwnTree ${STAGING} r-1`,
      'snapshots.remove s-1',
    ]);
    expect(HANDLERS[Step.STEP_UNDO_VERIFY].ends).toBe('undone');
  });

  it('owes nothing where OLD was never stopped, and leaves a snapshot that was here', async () => {
    const bench = new Bench().did(Step.STEP_STAGE, { completion: { pulled: false } });
    await done(bench, Step.STEP_UNDO_VERIFY);
    expect(bench.calls).toEqual([`stores.removeOwnTree ${STAGING} r-1`, 'snapshots.removePart s-1']);
    const cutShort = new Bench().did(Step.STEP_STAGE);
    await done(cutShort, Step.STEP_UNDO_VERIFY);
    expect(cutShort.calls.at(-1)).toBe('snapshots.removePart s-1');
  });

  it('owes only what served before', async () => {
    const bench = new Bench()
      .did(Step.STEP_SAFEGUARD, { completion: { baseline: { serving: false }, apiReady: false } })
      .did(Step.STEP_FENCE_API);
    await done(bench, Step.STEP_UNDO_VERIFY);
    expect(bench.calls).toEqual([`stores.removeOwnTree ${STAGING} r-1`, 'snapshots.removePart s-1']);
    const noApi = benchPlan();
    for (const node of noApi.nodes) node.manifests.splice(1);
    const alone = new Bench(noApi).did(Step.STEP_FENCE_API);
    alone.on['member.observe'] = () => serving;
    await done(alone, Step.STEP_UNDO_VERIFY);
    expect(alone.calls).not.toContain('hosting.waitApiReady');
  });

  it('says what is missing of OLD where it does not come back', async () => {
    for (const [observe, words] of [
      [() => ({ ...serving, clusterId: 'other' }), 'cluster id'],
      [() => Promise.reject(new Error('x')), 'does not answer'],
    ] as const) {
      const bench = fenced();
      const controller = new AbortController();
      let asked = 0;
      bench.on['member.observe'] = () => {
        asked += 1;
        if (asked === 3) controller.abort(new Error('given up'));
        return observe();
      };
      const verifying = HANDLERS[Step.STEP_UNDO_VERIFY].perform(bench.context, null, controller.signal);
      await expect(verifying).rejects.toMatchObject({
        code: 'BASELINE_NOT_BACK',
        message: expect.stringContaining(words),
      });
      expect(bench.calls.join()).not.toContain('removeOwnTree');
    }
  });

  it('removes nothing while NEW, or nobody knows what, is in place', async () => {
    const bench = swapped();
    await expect(done(bench, Step.STEP_UNDO_VERIFY)).rejects.toThrow(isRefused('STORE_NOT_AS_RECORDED'));
    expect(bench.calls).toEqual([]);
  });
});

it('SET_ASIDE holds, parks and stops everything, proves it, and leaves the way back in words', async () => {
  const bench = new Bench();
  await done(bench, Step.STEP_SET_ASIDE);
  expect(bench.calls).toEqual([
    'stores.makeDirectory /var/lib/lockstep/operations/r-1',
    'stores.writeFile /var/lib/lockstep/operations/r-1/UNDO.txt by hand',
    'hosting.holdKubelet r-1',
    `hosting.parkManifests ${ALL} ${PARKED}`,
    `hosting.stopComponents ${ALL}`,
    `${PROOF} ${ALL}`,
  ]);
});

it('steps end an operation only at its end', () => {
  const ending = Object.entries(HANDLERS).flatMap(([step, { ends }]) =>
    ends === undefined ? [] : [[Number(step), ends]],
  );
  expect(ending.filter(([step]) => Number(step) <= Step.STEP_SET_ASIDE)).toEqual([
    [Step.STEP_CLOSE, 'closed'],
    [Step.STEP_UNDO_VERIFY, 'undone'],
    [Step.STEP_SET_ASIDE, 'closed'],
  ]);
});

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { describe, expect, it } from 'vitest';
import type { RunnableStep } from '../../core/operation.ts';
import { HANDLERS } from '../handlers.ts';
import type { StepOutcome } from '../step.ts';
import { Bench, benchPlan, NEW, OLD } from '../testing/bench.ts';

const signal = new AbortController().signal;
const ALL = '[etcd kube-apiserver kube-controller-manager kube-scheduler]';
const CLIENTS = '[kube-apiserver kube-controller-manager kube-scheduler]';
/** Where the operation that set the node aside has parked its manifests. */
const PARKED = '/etc/kubernetes/lockstep/r-0';
const STORE = '/var/lib/etcd';
const STAGING = '/var/lib/.lockstep/r-1';
const OTHER = `${STAGING}/store`;
const PROOF = 'hosting.proveStopped r-1';
const RECORDED = { intent: { old: OLD, new: NEW } };

/** The node that re-joins is the bench's own. */
const joining = (change: object = {}): RestorePlan =>
  benchPlan({ subjectOperationId: 'r-0', rejoins: { node: 'cp1' }, ...change });

/** The bench's own node is the sponsor of another. */
const sponsoring = (): RestorePlan => {
  const plan = joining({ rejoins: { node: 'cp3' } });
  const [own] = plan.nodes;
  if (own?.etcd === undefined) throw new Error('no member');
  const etcd = { ...own.etcd, name: 'cp3', initialAdvertisePeerUrls: ['https://c:2380'] };
  return { ...plan, nodes: [own, { ...own, node: 'cp3', etcd }] };
};

async function done(bench: Bench, step: RunnableStep): Promise<StepOutcome> {
  const handler = HANDLERS[step];
  const intent = (await handler.prepare?.(bench.context, signal)) ?? null;
  return handler.perform(bench.context, intent, signal);
}
const isRefused = (code: string) => expect.objectContaining({ code }) as Error;

describe('ADMIT', () => {
  it('admits the node that re-joins, and no other', async () => {
    const bench = new Bench(sponsoring());
    expect((await done(bench, Step.STEP_REJOIN_ADMIT)).detail).toEqual({ memberId: 'm9' });
    expect(bench.calls).toEqual(['membership.addLearner [https://c:2380]']);
    const nobody = new Bench(joining({ rejoins: { node: 'cp9' } }));
    await expect(done(nobody, Step.STEP_REJOIN_ADMIT)).rejects.toThrow(isRefused('PLAN_UNKNOWN'));
  });
});

describe('EMPTY', () => {
  it('makes an empty store beside OLD once everything is held and proven stopped', async () => {
    const bench = new Bench(joining());
    expect((await done(bench, Step.STEP_REJOIN_EMPTY)).detail).toEqual({ inode: NEW });
    expect(bench.calls).toEqual([
      'hosting.holdKubelet r-1',
      `${PROOF} ${ALL}`,
      `stores.removeOwnTree ${OTHER} r-1`,
      `stores.makeDirectory ${OTHER}`,
      `stores.adopt ${OTHER} ${STORE}`,
    ]);
    bench.other = undefined;
    await expect(done(bench, Step.STEP_REJOIN_EMPTY)).rejects.toThrow(isRefused('PLAN_UNKNOWN'));
  });

  it('names the store as it is in the end', async () => {
    const bench = new Bench(joining());
    bench.other = undefined;
    bench.on['stores.adopt'] = () => (bench.other = NEW);
    expect((await done(bench, Step.STEP_REJOIN_EMPTY)).detail).toEqual({ inode: NEW });
  });
});

describe('START', () => {
  const emptied = (): Bench =>
    new Bench(joining()).did(Step.STEP_REJOIN_EMPTY, { completion: { inode: NEW } });
  const exchanged = (): Bench => {
    const bench = emptied().did(Step.STEP_SWAP, RECORDED).did(Step.STEP_REJOIN_START, RECORDED);
    [bench.inPlace, bench.other] = [NEW, OLD];
    return bench;
  };
  const START = [
    'joining.placeJoiningManifest /etc/kubernetes/lockstep/r-0 cp1=https://a:2380',
    'hosting.releaseKubelet r-1',
    'hosting.waitServingPeers',
  ];

  it('over an exchange that is live only makes sure of it', async () => {
    const bench = exchanged();
    bench.manifests = ['etcd'];
    expect((await done(bench, Step.STEP_REJOIN_START)).detail).toEqual({ keptOld: OTHER });
    expect(bench.calls).toEqual(START);
  });

  it('over an exchange that nothing is live on proves it again before kubelet starts', async () => {
    const bench = exchanged();
    await done(bench, Step.STEP_REJOIN_START);
    expect(bench.calls).toEqual([
      `stores.syncNames [${STORE} ${OTHER}]`,
      `${PROOF} [etcd]`,
      'hosting.releaseKubelet r-1',
      ...START,
    ]);
  });

  it('over OLD exchanges first, whatever is live', async () => {
    const bench = emptied().did(Step.STEP_SWAP, RECORDED).did(Step.STEP_REJOIN_START, RECORDED);
    bench.manifests = ['etcd'];
    await done(bench, Step.STEP_REJOIN_START);
    expect(bench.calls).toEqual([
      'stores.exchange',
      `${PROOF} [etcd]`,
      'hosting.releaseKubelet r-1',
      ...START,
    ]);
  });
});

describe('PROMOTE', () => {
  it('asks until the learner may vote', async () => {
    const bench = new Bench(sponsoring()).did(Step.STEP_REJOIN_ADMIT, { completion: { memberId: 'm9' } });
    let asked = 0;
    bench.on['membership.promoteLearner'] = () => {
      asked += 1;
      return asked === 3;
    };
    expect((await done(bench, Step.STEP_REJOIN_PROMOTE)).detail).toEqual({ memberId: 'm9' });
    expect(bench.calls).toEqual(Array(3).fill('membership.promoteLearner m9'));
    expect(HANDLERS[Step.STEP_REJOIN_PROMOTE].ends).toBe('closed');
  });

  it('promotes nobody who was not admitted here', async () => {
    const bench = new Bench(sponsoring()).did(Step.STEP_REJOIN_ADMIT);
    await expect(done(bench, Step.STEP_REJOIN_PROMOTE)).rejects.toThrow(isRefused('STEP_OUT_OF_ORDER'));
    expect(bench.calls).toEqual([]);
  });
});

describe('SERVE', () => {
  it('returns the rest, the API server ready before its clients, and puts the parked etcd away', async () => {
    const bench = new Bench(joining());
    expect((await done(bench, Step.STEP_REJOIN_SERVE)).detail).toEqual({ keptOld: OTHER });
    expect(bench.calls).toEqual([
      `hosting.returnManifest kube-apiserver ${PARKED}`,
      'hosting.waitApiReady',
      `hosting.returnManifest kube-controller-manager ${PARKED}`,
      `hosting.returnManifest kube-scheduler ${PARKED}`,
      'stores.makeDirectory /var/lib/lockstep/operations/r-1',
      `joining.archiveParkedManifest ${PARKED} /var/lib/lockstep/operations/r-1/etcd.yaml.before`,
    ]);
    expect(HANDLERS[Step.STEP_REJOIN_SERVE].ends).toBe('closed');
  });
});

describe('BACK', () => {
  it('on the sponsor removes the learner, and not once it votes', async () => {
    const bench = new Bench(sponsoring());
    await done(bench, Step.STEP_REJOIN_BACK);
    expect(bench.calls).toEqual([
      'membership.isVoter [https://c:2380]',
      'membership.removeLearner [https://c:2380]',
    ]);
    const voter = new Bench(sponsoring());
    voter.on['membership.isVoter'] = () => true;
    await expect(done(voter, Step.STEP_REJOIN_BACK)).rejects.toThrow(isRefused('ALREADY_COMMITTED'));
    expect(voter.calls).toHaveLength(1);
    const nobody = new Bench(joining({ rejoins: { node: 'cp9' } }));
    await expect(done(nobody, Step.STEP_REJOIN_BACK)).rejects.toThrow(isRefused('PLAN_UNKNOWN'));
  });

  const back = [
    'hosting.holdKubelet r-1',
    `hosting.parkManifests ${CLIENTS} ${PARKED}`,
    `hosting.stopComponents ${ALL}`,
    `${PROOF} ${ALL}`,
  ];

  it('on the node, before anything was exchanged, sets it aside and removes what was made', async () => {
    const bench = new Bench(joining());
    expect((await done(bench, Step.STEP_REJOIN_BACK)).detail).toEqual({ keptOld: STORE });
    expect(bench.calls).toEqual([...back, `stores.removeOwnTree ${STAGING} r-1`]);
  });

  it('with the joining manifest in place takes that away first', async () => {
    const bench = new Bench(joining());
    bench.on['hosting.holdKubelet'] = () => (bench.manifests = ['etcd']);
    await done(bench, Step.STEP_REJOIN_BACK);
    expect(bench.calls.slice(0, 3)).toEqual([back[0], `joining.removeJoiningManifest ${PARKED}`, back[1]]);
  });

  it('over an exchange brings OLD back under the proof', async () => {
    const bench = new Bench(joining()).did(Step.STEP_SWAP, RECORDED).did(Step.STEP_REJOIN_START, RECORDED);
    [bench.inPlace, bench.other] = [NEW, OLD];
    let lockDb: unknown;
    bench.on['stores.exchange'] = (request: never) => {
      ({ lockDb } = request);
      [bench.inPlace, bench.other] = [OLD, NEW];
      return (request as { prove: () => Promise<void> }).prove();
    };
    await done(bench, Step.STEP_REJOIN_BACK);
    expect(bench.calls).toEqual([
      ...back,
      'stores.exchange',
      `${PROOF} ${ALL}`,
      `stores.removeOwnTree ${STAGING} r-1`,
    ]);
    expect(lockDb).toBe(`${OTHER}/member/snap/db`);
  });

  it('over an exchange that was taken back already syncs it', async () => {
    const bench = new Bench(joining()).did(Step.STEP_SWAP, RECORDED).did(Step.STEP_REJOIN_START, RECORDED);
    await done(bench, Step.STEP_REJOIN_BACK);
    expect(bench.calls).toEqual([
      ...back,
      `stores.syncNames [${STORE} ${OTHER}]`,
      `stores.removeOwnTree ${STAGING} r-1`,
    ]);
  });

  it('touches no store that nobody recorded, and none that something may still write to', async () => {
    const strange = new Bench(joining()).did(Step.STEP_SWAP, RECORDED).did(Step.STEP_REJOIN_START, RECORDED);
    strange.inPlace = { device: 1n, number: 99n };
    await expect(done(strange, Step.STEP_REJOIN_BACK)).rejects.toThrow(isRefused('STORE_NOT_AS_RECORDED'));
    expect(strange.calls).toEqual(back);
    const running = new Bench(joining());
    running.on['hosting.proveStopped'] = () => {
      throw new LockstepError('STOP_UNPROVEN', { message: 'still there' });
    };
    await expect(done(running, Step.STEP_REJOIN_BACK)).rejects.toThrow(isRefused('STOP_UNPROVEN'));
    expect(running.calls.join()).not.toContain('removeOwnTree');
  });
});

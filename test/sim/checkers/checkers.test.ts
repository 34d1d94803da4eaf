import type { RunnableStep } from '@lockstep/agent/core/operation.ts';
import { newOperation, type OperationState } from '@lockstep/coordinator/core/state.ts';
import { isErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome, Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { describe, expect, it } from 'vitest';
import { INVARIANTS, watchAll } from './all.ts';
import { comesBack } from './comes-back.ts';
import { commitExcludesUndo } from './commit-excludes-undo.ts';
import { completedIsDurable } from './completed-is-durable.ts';
import { endsRightly } from './ends-rightly.ts';
import {
  broken,
  calmWorld,
  EVENT,
  effect,
  etcd,
  fenceProperly,
  type MadeWorld,
  operation,
  record,
  swapProperly,
  withState,
} from './hand-made-world.ts';
import { InvariantBroken } from './invariant.ts';
import { knownIsRecorded } from './known-is-recorded.ts';
import { liveManifest } from './live-manifest.ts';
import { CIRCUMSTANCES, wronglyNeedsOperator } from './needs-operator.ts';
import { neverServesOld } from './never-serves-old.ts';
import { oldWhole } from './old-whole.ts';
import { oneEtcd } from './one-etcd.ts';
import { orderOnDisk } from './order-on-disk.ts';
import { promisedEpoch } from './promised-epoch.ts';
import { promisesRise } from './promises-rise.ts';
import { sameContent } from './same-content.ts';
import { saysTheTruth } from './says-the-truth.ts';
import { sourcesUnwritten } from './sources-unwritten.ts';
import { writesKept } from './writes-kept.ts';

/** Each on a world that is broken by hand: a checker that cannot fail checks nothing. */

const EPOCH = { number: 1n, coordinatorId: 'c1' };
const HIGHER = { number: 2n, coordinatorId: 'c2' };

function stateOf(world: MadeWorld, change: Partial<OperationState>): OperationState {
  return { ...newOperation(world.plan, EPOCH, 0), ...change };
}

function knows(world: MadeWorld, known: object, change: Partial<OperationState> = {}): void {
  const state = stateOf(world, change);
  const nodes = new Map([...state.nodes].map(([name, node]) => [name, { ...node, ...known }]));
  withState(world, { ...state, nodes });
}

/** A fault took the ledgers of these nodes. */
const forgotten = (nodes: readonly number[]) => (world: MadeWorld) => {
  const excuse = { fault: 'ledger-lost', sinceEvent: 1, promise: 'ledger-only-grows' } as const;
  world.excuses = nodes.map((node) => ({ ...excuse, node }));
};

const ended = (outcome: Outcome): OperationState['stage'] => ({ kind: 'ended', outcome, failure: undefined });
const end = (outcome: Outcome | undefined, code = ''): NonNullable<MadeWorld['end']> => ({
  outcome,
  code,
  quiet: true,
});

describe('all', () => {
  it('say nothing of a calm world', () => {
    const check = watchAll();
    expect(() => check(calmWorld())).not.toThrow();
  });

  it('have names of their own, and a promise', () => {
    expect(new Set(INVARIANTS.map(({ name }) => name)).size).toBe(INVARIANTS.length);
    for (const { promise } of INVARIANTS) expect(promise).toMatch(/\.$/);
  });

  it('name what is broken', () => {
    const check = watchAll();
    const world = calmWorld();
    check(world);
    world.nodes[1].stores.clear();
    expect(() => check(world)).toThrow(InvariantBroken);
    expect(() => watchAll()(world)).toThrow('old-whole: cp2: OLD is gone');
  });
});

describe('one-etcd', () => {
  it('sees two on one store, and lets one wait for the lock', () => {
    const second = (waitsForLock: boolean) => (world: MadeWorld) => {
      world.nodes[0].etcds = [etcd(1, 'old'), { ...etcd(2, 'old'), waitsForLock, serving: !waitsForLock }];
    };
    expect(broken(oneEtcd, second(false))).toMatch(/etcd 1 and 2 run on store/);
    expect(broken(oneEtcd, second(true))).toBeUndefined();
  });

  it('sees OLD and NEW both with a quorum, and not one of each', () => {
    const five = (world: MadeWorld): void => {
      world.nodes[0].etcds = [etcd(1, 'old'), etcd(2, 'new')];
      world.nodes[1].etcds = [etcd(3, 'old'), etcd(4, 'new')];
    };
    expect(broken(oneEtcd, five)).toMatch(/OLD can serve with 3 members, and NEW with 2/);
    expect(broken(oneEtcd, (world) => void world.nodes[0].etcds.push(etcd(2, 'new')))).toBeUndefined();
  });

  it('sees a store exchanged under its etcd, and a cluster out of nothing', () => {
    expect(
      broken(oneEtcd, (world) => (world.nodes[2].etcds[0] = { ...etcd(1, 'old'), mixed: true })),
    ).toMatch(/exchanged under it/);
    expect(
      broken(oneEtcd, (world) => (world.nodes[2].etcds[0] = { ...etcd(1, 'new'), incarnation: 'fresh-1' })),
    ).toMatch(/nobody planned/);
  });

  it('lets pass what an outside hand started, where a fault says so, and nowhere else', () => {
    const outside = (node: number) => (world: MadeWorld) => {
      world.nodes[0].etcds.push({ ...etcd(9, 'old'), startedBy: 'outside' });
      world.excuses = [{ fault: 'outside-etcd', node, sinceEvent: 1, promise: 'outside-process' }];
    };
    expect(broken(oneEtcd, outside(0))).toBeUndefined();
    expect(broken(oneEtcd, outside(1))).toMatch(/run on store/);
  });
});

describe('old-whole', () => {
  it('sees OLD removed, halved, nameless, and any of it after a power loss', () => {
    const old = (change: object) => (world: MadeWorld) => {
      Object.assign(world.nodes[0].stores.get(10) ?? {}, change);
    };
    expect(broken(oldWhole, old({ removed: true }))).toMatch(/gone/);
    expect(broken(oldWhole, old({ content: 'partial' }))).toMatch(/no longer complete/);
    expect(broken(oldWhole, old({ durable: 'partial' }))).toMatch(/after a power loss/);
    expect(broken(oldWhole, (world) => (world.nodes[0].inPlace.volatile = 20))).toMatch(/lost its name/);
    expect(broken(oldWhole, (world) => (world.nodes[0].inPlace.durable = 20))).toMatch(
      /would have lost its name/,
    );
    expect(broken(oldWhole, (world) => swapProperly(world.nodes[0]))).toBeUndefined();
  });
});

describe('live-manifest', () => {
  it('sees etcd.yaml over nothing, over half a store, and over what a power loss would halve', () => {
    expect(broken(liveManifest, (world) => (world.nodes[0].inPlace = { volatile: 0, durable: 10 }))).toMatch(
      /no data directory/,
    );
    const half = (change: object) => (world: MadeWorld) => {
      Object.assign(world.nodes[0].stores.get(10) ?? {}, change);
    };
    expect(broken(liveManifest, half({ content: 'partial' }))).toMatch(/half a data directory/);
    expect(broken(liveManifest, half({ durable: 'partial' }))).toMatch(/after a power loss/);
    expect(broken(liveManifest, (world) => (world.nodes[0].inPlace.durable = 0))).toMatch(
      /after a power loss/,
    );
  });

  it('looks at a manifest whose absence is not synced', () => {
    const parked = (world: MadeWorld): void => {
      world.nodes[0].liveManifests.etcd = { volatile: 0, durable: 1 };
      world.nodes[0].inPlace.durable = 0;
    };
    expect(broken(liveManifest, parked)).toMatch(/after a power loss/);
  });
});

describe('order-on-disk', () => {
  it('sees data move too early, each way', () => {
    const early = (spoil: (world: MadeWorld) => void) => (world: MadeWorld) => {
      swapProperly(world.nodes[0]);
      spoil(world);
    };
    expect(
      broken(
        orderOnDisk,
        early(() => {}),
      ),
    ).toBeUndefined();
    expect(
      broken(
        orderOnDisk,
        early((world) => (world.nodes[0].liveManifests.etcd.durable = 1)),
      ),
    ).toMatch(/absence of etcd.yaml/);
    expect(
      broken(
        orderOnDisk,
        early((world) => (world.nodes[0].kubelet.running = true)),
      ),
    ).toMatch(/kubelet/);
    expect(
      broken(
        orderOnDisk,
        early((world) => (world.nodes[0].kubelet.hold.durable = 0)),
      ),
    ).toMatch(/hold/);
    expect(
      broken(
        orderOnDisk,
        early((world) => world.nodes[0].etcds.push(etcd(5, 'old'))),
      ),
    ).toMatch(/under etcd 5/);
  });

  it('sees a manifest return before the exchange is synced', () => {
    const back = (world: MadeWorld): void => {
      world.nodes[0].inPlace.durable = 10;
      world.nodes[0].liveManifests.etcd = { volatile: 1, durable: 0 };
    };
    expect(broken(orderOnDisk, back, (world) => swapProperly(world.nodes[0]))).toMatch(
      /before the exchange was synced/,
    );
  });

  it('is no judge of a power loss, nor of an outside hand', () => {
    const moved = (world: MadeWorld): void => {
      world.nodes[0].inPlace = { volatile: 20, durable: 20 };
    };
    expect(
      broken(orderOnDisk, (world) => {
        moved(world);
        world.last = { ...EVENT, kind: 'fault', fault: 'power-loss' };
      }),
    ).toBeUndefined();
    expect(
      broken(orderOnDisk, (world) => {
        moved(world);
        world.excuses = [
          { fault: 'outside-manifest', node: 0, sinceEvent: 1, promise: 'manifests-stay-out' },
        ];
      }),
    ).toBeUndefined();
  });
});

describe('promised-epoch', () => {
  it('sees an effect under another epoch than the promised', () => {
    const acts = (promised: typeof EPOCH | undefined) => (world: MadeWorld) => {
      world.last = { ...EVENT, kind: 'effect', node: 0 };
      world.nodes[0].effect = { node: 0, what: 'exchange', step: Step.STEP_SWAP, epoch: EPOCH, promised };
    };
    expect(broken(promisedEpoch, acts(EPOCH))).toBeUndefined();
    expect(broken(promisedEpoch, acts(HIGHER))).toMatch(/exchange under 1 of c1; promised is 2 of c2/);
    expect(broken(promisedEpoch, acts(undefined))).toMatch(/promised is nothing/);
  });
});

describe('promises-rise', () => {
  it('sees a lower promise, the same number for another, and lost records', () => {
    const promises = (number: bigint, coordinatorId: string) => (world: MadeWorld) => {
      world.nodes[0].ledger.promised = { number, coordinatorId };
      world.nodes[0].ledger.records += 1;
    };
    expect(broken(promisesRise, promises(2n, 'c2'))).toBeUndefined();
    expect(broken(promisesRise, promises(0n, 'c1'))).toMatch(/after 1 of c1/);
    expect(broken(promisesRise, promises(1n, 'c2'))).toMatch(/after 1 of c1/);
    expect(broken(promisesRise, (world) => (world.nodes[0].ledger.records = 0))).toMatch(/lost records/);
  });
});

describe('commit-excludes-undo', () => {
  it('sees both on one agent, and on two', () => {
    const commits = (world: MadeWorld): void => record(world.nodes[0], operation('committed'));
    const undoes = (index: 0 | 1) => (world: MadeWorld) =>
      record(world.nodes[index], operation('committed', [effect(Step.STEP_UNDO_STOP, undefined)]));
    expect(broken(commitExcludesUndo, undoes(0), commits)).toMatch(/cp1 has committed, and cp1 has begun/);
    const other = (world: MadeWorld): void =>
      record(world.nodes[1], operation('open', [effect(Step.STEP_UNDO_STOP, undefined)]));
    expect(broken(commitExcludesUndo, other, commits)).toMatch(/cp1 has committed, and cp2 has begun/);
  });
});

describe('ends-rightly', () => {
  it('sees an end that is none, and one that the disks deny', () => {
    expect(broken(endsRightly, (world) => (world.end = end(undefined)))).toBe('it did not end');
    expect(broken(endsRightly, (world) => (world.end = end(Outcome.OUTCOME_RESTORED)))).toMatch(
      /NEW is not in place/,
    );
    const half = (world: MadeWorld): void => {
      for (const node of world.nodes) swapProperly(node);
      world.end = end(Outcome.OUTCOME_RESTORED);
    };
    expect(broken(endsRightly, half)).toMatch(/not closed/);
    const back = (world: MadeWorld): void => {
      swapProperly(world.nodes[2]);
      record(world.nodes[2], operation('undone'));
      world.end = end(Outcome.OUTCOME_ROLLED_BACK);
    };
    expect(broken(endsRightly, back)).toMatch(/cp3: OLD is not in place/);
    const refused = (world: MadeWorld): void => {
      record(world.nodes[0], operation('undone', [effect(Step.STEP_FENCE_API), effect(Step.STEP_UNDO_STOP)]));
      world.end = end(Outcome.OUTCOME_REFUSED);
    };
    expect(broken(endsRightly, refused)).toMatch(/API server was stopped/);
  });

  it('wants a circumstance and its fault where a person is asked', () => {
    const asks = (code: string) => (world: MadeWorld) =>
      (world.end = end(Outcome.OUTCOME_NEEDS_OPERATOR, code));
    expect(broken(endsRightly, asks('INTERNAL'))).toMatch(/in no circumstance/);
    expect(broken(endsRightly, asks('LEDGERS_DISAGREE'))).toMatch(/came of no fault/);
    const lost = (world: MadeWorld): void => {
      world.faults = [{ kind: 'ledger-lost', phase: Phase.PHASE_COMMIT }];
    };
    expect(broken(endsRightly, asks('LEDGERS_DISAGREE'), lost)).toBeUndefined();
    expect(wronglyNeedsOperator('LEDGERS_DISAGREE', new Set(['agent-crash']))).toMatch(/agent-crash/);
    for (const { codes, from } of CIRCUMSTANCES) {
      expect(codes.filter((code) => !isErrorCode(code))).toEqual([]);
      expect(from.length).toBeGreaterThan(0);
    }
  });
});

describe('says-the-truth', () => {
  it('sees a sentence that the node denies', () => {
    const closed = (world: MadeWorld): void =>
      knows(
        world,
        { closed: true, committed: true },
        { stage: ended(Outcome.OUTCOME_RESTORED), fencedMs: 1 },
      );
    expect(broken(saysTheTruth, closed)).toMatch(/c1 says of cp1: “NEW serves.*” but NEW is not in place/);
    const undone = (world: MadeWorld): void => {
      swapProperly(world.nodes[1]);
      knows(world, { undone: true }, { stage: ended(Outcome.OUTCOME_ROLLED_BACK), fencedMs: 1 });
    };
    expect(broken(saysTheTruth, undone)).toMatch(/cp2.*OLD is not in place/);
  });
});

describe('same-content', () => {
  it('sees two NEWs that differ', () => {
    const differs = (world: MadeWorld): void => {
      swapProperly(world.nodes[0]);
      swapProperly(world.nodes[1]);
      const other = world.nodes[1].stores.get(20);
      if (other !== undefined) other.contentSha256 = 'another';
    };
    expect(broken(sameContent, differs)).toMatch(/cp2 starts from another, cp1 from new/);
  });
});

describe('writes-kept', () => {
  it('sees a write before the commit, to nobody’s cluster, and one that is lost', () => {
    const wrote = (incarnation: 'new' | 'fresh-1', committed: number) => (world: MadeWorld) => {
      for (const node of world.nodes.slice(0, committed)) record(node, operation('committed'));
      world.writes = [{ incarnation, acknowledged: 1, beforeAllCommitted: 0 }];
    };
    expect(broken(writesKept, wrote('new', 3))).toBeUndefined();
    expect(broken(writesKept, wrote('new', 2))).toMatch(/before every planned agent/);
    expect(broken(writesKept, wrote('fresh-1', 3))).toMatch(/nobody planned/);
    const letIn = (world: MadeWorld): void => {
      record(world.nodes[1], operation('open', [effect(Step.STEP_PREPARE_GATE)]));
      world.nodes[0].liveManifests['kube-apiserver'] = { volatile: 1, durable: 0 };
    };
    const check = writesKept.watch();
    const world = calmWorld();
    letIn(world);
    expect(check(world)).toBeUndefined();
    record(world.nodes[1], operation('committed'));
    expect(check(world)).toMatch(/let in since before the gate/);
    const lost = (outcome: Outcome) => (world: MadeWorld) => {
      wrote('new', 3)(world);
      world.end = end(outcome);
    };
    expect(broken(writesKept, lost(Outcome.OUTCOME_ROLLED_BACK))).toMatch(/rolled back/);
    expect(broken(writesKept, lost(Outcome.OUTCOME_NEEDS_OPERATOR))).toMatch(/in place on 0 nodes/);
    const rolledBack = lost(Outcome.OUTCOME_ROLLED_BACK);
    expect(broken(writesKept, rolledBack, forgotten([0, 1, 2]))).toBeUndefined();
    expect(broken(writesKept, rolledBack, forgotten([0, 2]))).toMatch(/rolled back/);
  });
});

describe('sources-unwritten', () => {
  it('sees OLD written', () => {
    const writes = (world: MadeWorld): void => {
      const old = world.nodes[0].stores.get(10);
      if (old !== undefined) old.intact = false;
    };
    expect(broken(sourcesUnwritten, writes)).toMatch(/cp1: OLD was written/);
  });
});

describe('completed-is-durable', () => {
  const completes = (step: RunnableStep, spoil: (world: MadeWorld) => void) => (world: MadeWorld) => {
    spoil(world);
    record(world.nodes[0], operation('open', [effect(step)]));
  };
  const cases: [step: RunnableStep, spoil: (world: MadeWorld) => void, words: RegExp][] = [
    [Step.STEP_BUILD, (world: MadeWorld) => (world.nodes[0].other.durable = 0), /name of NEW/],
    [Step.STEP_FENCE_API, () => {}, /hold on kubelet/],
    [Step.STEP_SWAP, () => {}, /OLD is in place/],
    [
      Step.STEP_SWAP,
      (world: MadeWorld) => {
        swapProperly(world.nodes[0]);
        world.nodes[0].other.durable = 20;
      },
      /exchange is not synced/,
    ],
    [Step.STEP_START_KUBELET, (world: MadeWorld) => (world.nodes[0].kubelet.hold.durable = 1), /hold/],
    [
      Step.STEP_START_ETCD,
      (world: MadeWorld) => (world.nodes[0].liveManifests.etcd.durable = 0),
      /manifest of etcd/,
    ],
    [Step.STEP_START_API, (world: MadeWorld) => fenceProperly(world.nodes[0]), /kube-apiserver/],
    [Step.STEP_START_CONTROLLERS, (world: MadeWorld) => fenceProperly(world.nodes[0]), /controller-manager/],
    [Step.STEP_UNDO_STOP, (world: MadeWorld) => swapProperly(world.nodes[0]), /OLD is not in place/],
    [Step.STEP_UNDO_START, (world: MadeWorld) => (world.nodes[0].kubelet.hold.durable = 1), /hold/],
  ];
  it.each(cases)('step %i', (step, spoil, words) => {
    expect(broken(completedIsDurable, completes(step, spoil))).toMatch(words);
  });

  it('holds where all is synced', () => {
    expect(
      broken(
        completedIsDurable,
        completes(Step.STEP_SWAP, (world) => swapProperly(world.nodes[0])),
      ),
    ).toBeUndefined();
    expect(
      broken(
        completedIsDurable,
        completes(Step.STEP_UNDO_START, () => {}),
      ),
    ).toBeUndefined();
  });
});

describe('known-is-recorded', () => {
  it.each([
    [{ closed: true }, /closed; its ledger says open/],
    [{ committed: true }, /committed; its ledger says open/],
    [{ undone: true }, /undone; its ledger says open/],
  ])('%o', (known, words) => {
    expect(broken(knownIsRecorded, (world) => knows(world, known))).toMatch(words);
  });

  it('sees a promise that nobody gave', () => {
    const promised = (world: MadeWorld): void => {
      for (const node of world.nodes) node.ledger.promised = undefined;
      knows(world, { promised: true });
    };
    expect(broken(knownIsRecorded, promised)).toMatch(/says nothing of it/);
  });
});

describe('comes-back', () => {
  const undoneEverywhere = (world: MadeWorld): void => {
    for (const node of world.nodes) record(node, operation('undone'));
  };
  it('holds where OLD is back on all', () => {
    const all = (world: MadeWorld): void => {
      undoneEverywhere(world);
      world.end = end(Outcome.OUTCOME_ROLLED_BACK);
    };
    expect(broken(comesBack, all)).toBeUndefined();
  });

  it('sees who did not come back, what is not closed, held or without quorum', () => {
    const spoilt = (spoil: (world: MadeWorld) => void, outcome: Outcome = Outcome.OUTCOME_ROLLED_BACK) =>
      broken(comesBack, (world) => {
        undoneEverywhere(world);
        spoil(world);
        world.end = end(outcome);
      });
    expect(spoilt((world) => swapProperly(world.nodes[2]))).toMatch(/cp3: OLD did not come back/);
    expect(spoilt((world) => record(world.nodes[2], operation('open')))).toMatch(/still open/);
    expect(spoilt((world) => (world.nodes[0].kubelet.hold.volatile = 1))).toMatch(/still held/);
    expect(
      spoilt((world) => {
        world.nodes[0].etcds = [];
        world.nodes[1].etcds = [];
      }),
    ).toMatch(/OLD has no quorum/);
    expect(spoilt(() => {}, Outcome.OUTCOME_RESTORED)).toMatch(/NEW is not in place/);
  });

  describe('of a node that was left out', () => {
    /** cp1 and cp2 are restored, and cp3 is back and set aside. */
    const setAside = (world: MadeWorld): void => {
      const [first, second, third] = world.nodes;
      for (const node of [first, second]) {
        swapProperly(node);
        node.liveManifests.etcd = { volatile: 1, durable: 1 };
        node.kubelet = { ...node.kubelet, running: true, hold: { volatile: 0, durable: 0 } };
        node.etcds = [etcd(300 + node.index, 'new')];
        record(node, operation('closed'));
      }
      third.leftOut = true;
      fenceProperly(third);
      record(third, operation('closed'));
    };
    const restored = (spoil: (world: MadeWorld) => void) =>
      broken(comesBack, (world) => {
        setAside(world);
        spoil(world);
        world.end = end(Outcome.OUTCOME_RESTORED);
      });

    it('holds where it is set aside, and where it never comes back', () => {
      expect(restored(() => {})).toBeUndefined();
      const gone = (world: MadeWorld): void => {
        world.nodes[2].gone = true;
        world.nodes[2].ledger.operation = undefined;
      };
      expect(restored(gone)).toBeUndefined();
    });

    it('sees one that is back and was not set aside, or not altogether', () => {
      expect(restored(({ nodes }) => (nodes[2].ledger.operation = undefined))).toMatch(/was not set aside/);
      expect(restored(({ nodes }) => record(nodes[2], operation('open')))).toMatch(/was not set aside/);
      expect(restored(({ nodes }) => swapProperly(nodes[2]))).toMatch(/cp3: OLD is not in place/);
      expect(restored(({ nodes }) => (nodes[2].kubelet.hold.volatile = 0))).toMatch(/kubelet is not held/);
      expect(restored(({ nodes }) => (nodes[2].etcds = [etcd(9, 'old')]))).toMatch(/etcd runs/);
    });

    it('sees one that was set aside although nothing was restored', () => {
      const undone = (world: MadeWorld): void => {
        world.nodes[2].leftOut = true;
        for (const node of world.nodes.slice(0, 2)) record(node, operation('undone'));
        world.end = end(Outcome.OUTCOME_ROLLED_BACK);
      };
      const untouched = (world: MadeWorld): void => {
        undone(world);
        world.nodes[2].ledger.operation = undefined;
      };
      expect(broken(comesBack, untouched)).toBeUndefined();
      expect(broken(comesBack, undone)).toMatch(/cp3: it was set aside, and nothing was restored/);
    });
  });
});

describe('never-serves-old', () => {
  const committed = (world: MadeWorld): void => {
    for (const node of world.nodes) {
      swapProperly(node);
      record(node, operation('committed'));
    }
  };
  it('sees OLD serve once one has committed', () => {
    const api = (world: MadeWorld): void => {
      world.nodes[0].apiServers = [{ pid: 1, ready: true, incarnation: 'old', startedBy: 'kubelet' }];
    };
    expect(broken(neverServesOld, api, committed)).toMatch(/serves OLD/);
    const quorum = (world: MadeWorld): void => {
      world.nodes[0].etcds = [etcd(1, 'old')];
      world.nodes[1].etcds = [etcd(2, 'old')];
    };
    expect(broken(neverServesOld, quorum, committed)).toMatch(/2 members of OLD/);
    const writes = (world: MadeWorld): void => {
      world.writes = [{ incarnation: 'old', acknowledged: 1, beforeAllCommitted: 0 }];
    };
    expect(broken(neverServesOld, writes, committed)).toMatch(/wrote to OLD/);
  });

  it('excuses an OLD of which no ledger knows better, and no other', () => {
    const back = (world: MadeWorld): void => {
      world.nodes[0].etcds = [etcd(1, 'old')];
      world.nodes[1].etcds = [etcd(2, 'old')];
    };
    const forgottenOn = (nodes: readonly number[]) => (world: MadeWorld) => {
      committed(world);
      forgotten(nodes)(world);
    };
    expect(broken(neverServesOld, back, forgottenOn([0, 1, 2]))).toBeUndefined();
    expect(broken(neverServesOld, back, forgottenOn([0, 1]))).toMatch(/2 members of OLD/);
  });

  it('lets a lone member run', () => {
    const alone = (world: MadeWorld): void => {
      world.nodes[0].etcds = [etcd(1, 'old')];
    };
    expect(broken(neverServesOld, alone, committed)).toBeUndefined();
  });
});

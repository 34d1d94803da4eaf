import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Component } from '../ports.ts';
import {
  type Action,
  identifyStore,
  MAX_ACTIONS,
  nextAction,
  type Observation,
  RETURN_ORDER,
  type StoreInPlace,
} from './convergence.ts';

const observations = (stores: StoreInPlace[] = ['old', 'new']): fc.Arbitrary<Observation> =>
  fc.record({
    store: fc.constantFrom(...stores),
    exchanged: fc.boolean(),
    kubelet: fc
      .record({ held: fc.boolean(), marked: fc.boolean(), active: fc.boolean() })
      .filter(({ held, marked }) => marked || !held),
    planned: fc.subarray([...RETURN_ORDER], { minLength: 1 }),
    manifestsInPlace: fc.subarray([...RETURN_ORDER]),
    provenStopped: fc.boolean(),
  });

const isHeld = (world: Observation): boolean => world.kubelet.held && !world.kubelet.active;

function assertTrue(holds: boolean, invariant: string): void {
  if (!holds) throw new Error(`invariant broken: ${invariant}`);
}

/** The world after an action that took effect; the invariants are asserted as it is taken. */
function apply(world: Observation, action: Action): Observation {
  switch (action.kind) {
    case 'hold-kubelet':
      return { ...world, kubelet: { held: true, marked: true, active: false } };
    case 'park-manifests':
      assertTrue(isHeld(world), 'manifests move only under a kubelet that is held');
      return { ...world, manifestsInPlace: [] };
    case 'stop-components':
      assertTrue(isHeld(world), 'nothing is stopped under a running kubelet');
      assertTrue(world.manifestsInPlace.length === 0, 'nothing is stopped that would be started again');
      return { ...world, provenStopped: true };
    case 'exchange-back':
      assertTrue(world.store === 'new', 'only NEW is exchanged back');
      assertTrue(isHeld(world) && world.provenStopped, 'data moves only with the stop proven');
      assertTrue(world.manifestsInPlace.length === 0, 'data moves only with the manifests out');
      return { ...world, store: 'old' };
    case 'return-manifest':
      assertTrue(world.store === 'old', 'a manifest returns only over OLD');
      assertTrue(world.planned.includes(action.component), 'only what was planned returns');
      return { ...world, manifestsInPlace: [...world.manifestsInPlace, action.component] };
    case 'release-kubelet':
      assertTrue(world.store === 'old', 'kubelet is released only over OLD');
      assertTrue(
        !world.planned.includes('etcd') || world.manifestsInPlace.includes('etcd'),
        'etcd returns before kubelet',
      );
      return { ...world, kubelet: { held: false, marked: false, active: true } };
    default:
      return action satisfies never;
  }
}

describe('convergence', () => {
  it('reaches OLD serving from everywhere, within the bound, though actions fail', () => {
    fc.assert(
      fc.property(observations(), fc.array(fc.boolean(), { maxLength: 10 }), (start, failures) => {
        let world = start;
        let turn = 0;
        for (const target of ['old-in-place', 'old-serving'] as const) {
          for (let actions = 0; ; actions += 1) {
            expect(actions).toBeLessThanOrEqual(MAX_ACTIONS);
            const next = nextAction(world, target);
            if (next.kind === 'done') break;
            if (next.kind !== 'act') throw new Error(`halted: ${next.kind}`);
            const fails = failures[turn] === true;
            turn += 1;
            if (!fails) world = apply(world, next.action);
          }
        }
        expect(world.store).toBe('old');
        expect(world.kubelet).toEqual({ held: false, marked: false, active: true });
      }),
    );
  });

  it('does nothing at all where it is already there', () => {
    const planned: Component[] = [...RETURN_ORDER];
    const world: Observation = {
      store: 'old',
      exchanged: true,
      kubelet: { held: false, marked: false, active: true },
      planned,
      manifestsInPlace: planned,
      provenStopped: false,
    };
    expect(nextAction(world, 'old-in-place')).toStrictEqual({ kind: 'done' });
    expect(nextAction(world, 'old-serving')).toStrictEqual({ kind: 'done' });
  });

  it('calls NEW stopped only on proof, once it may have run here, until OLD is on its way back', () => {
    const fenced: Observation = {
      store: 'old',
      exchanged: true,
      kubelet: { held: true, marked: true, active: false },
      planned: [...RETURN_ORDER],
      manifestsInPlace: [],
      provenStopped: false,
    };
    const next = (change: Partial<Observation>) => nextAction({ ...fenced, ...change }, 'old-in-place');
    expect(next({})).toStrictEqual({ kind: 'act', action: { kind: 'stop-components' } });
    expect(next({ provenStopped: true })).toStrictEqual({ kind: 'done' });
    const active = { held: true, marked: true, active: true };
    expect(next({ kubelet: active })).toStrictEqual({ kind: 'act', action: { kind: 'hold-kubelet' } });
    expect(next({ exchanged: false })).toStrictEqual({ kind: 'done' });
    expect(next({ manifestsInPlace: ['etcd'] })).toStrictEqual({ kind: 'done' });
    const released = { held: false, marked: false, active: true };
    expect(next({ kubelet: released })).toStrictEqual({ kind: 'done' });
  });

  it('touches nothing where the store is neither OLD nor NEW', () => {
    fc.assert(
      fc.property(
        observations(['unknown']),
        fc.constantFrom('old-in-place', 'old-serving'),
        (world, target) => {
          expect(nextAction(world, target)).toStrictEqual({ kind: 'store-not-as-recorded' });
        },
      ),
    );
  });

  it('starts nothing over NEW', () => {
    fc.assert(
      fc.property(observations(['new']), (world) => {
        expect(nextAction(world, 'old-serving')).toStrictEqual({ kind: 'new-in-place' });
      }),
    );
  });

  it('returns etcd, then kubelet, then what needs etcd', () => {
    let world: Observation = {
      store: 'old',
      exchanged: true,
      kubelet: { held: true, marked: true, active: false },
      planned: [...RETURN_ORDER],
      manifestsInPlace: [],
      provenStopped: true,
    };
    const order: string[] = [];
    for (let next = nextAction(world, 'old-serving'); next.kind === 'act'; ) {
      order.push('component' in next.action ? next.action.component : next.action.kind);
      world = apply(world, next.action);
      next = nextAction(world, 'old-serving');
    }
    expect(order).toStrictEqual([
      'etcd',
      'release-kubelet',
      'kube-apiserver',
      'kube-controller-manager',
      'kube-scheduler',
    ]);
  });
});

describe('which store is in place', () => {
  const inode = (number: bigint, device = 1n) => ({ device, number });
  const recorded = { old: inode(10n), new: inode(20n) };

  it.each([
    ['OLD, NEW beside it', inode(10n), inode(20n), recorded, 'old'],
    ['NEW, OLD beside it', inode(20n), inode(10n), recorded, 'new'],
    ['the device got another number at boot', inode(20n, 7n), inode(10n, 7n), recorded, 'new'],
    ['OLD, NEW gone', inode(10n), undefined, recorded, 'old'],
    ['OLD by number only, NEW gone, device unknown', inode(10n, 7n), undefined, recorded, 'unknown'],
    ['a stranger in place', inode(30n), inode(20n), recorded, 'unknown'],
    ['a stranger beside OLD', inode(10n), inode(30n), recorded, 'unknown'],
    ['a stranger in place, OLD beside it', inode(30n), inode(10n), recorded, 'unknown'],
    ['a stranger beside NEW', inode(20n), inode(30n), recorded, 'unknown'],
    ['a stranger in place, nothing beside it', inode(30n), undefined, recorded, 'unknown'],
    ['NEW, OLD gone', inode(20n), undefined, recorded, 'new'],
    ['the right numbers on two devices', inode(10n, 7n), inode(20n, 8n), recorded, 'unknown'],
    ['nothing in place', undefined, inode(10n), recorded, 'unknown'],
    ['never exchanged', inode(99n), undefined, undefined, 'old'],
    ['never exchanged, and gone', undefined, undefined, undefined, 'unknown'],
  ] as const)('%s', (_name, inPlace, other, record, expected) => {
    expect(identifyStore({ inPlace, other }, record)).toBe(expected);
  });
});

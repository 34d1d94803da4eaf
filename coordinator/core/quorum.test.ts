import { describe, expect, it } from 'vitest';
import { majorityOf, mayUndoWithout, oldQuorum } from './quorum.ts';
import { modelPlan } from './testing/driver.ts';

const away = (...nodes: string[]): ReadonlySet<string> => new Set(nodes);
const member = (n: number, learner = false) => ({ id: `m${n}`, name: `cp${n}`, learner });
const leftOut = (node: string, memberId: string) => ({ node, memberId, destroyed: false });

describe('OLD’s quorum', () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
  ])('of %i members is %i', (members, quorum) => {
    expect(majorityOf(members)).toBe(quorum);
  });

  it('is of all that voted, whether they are in the plan or not', () => {
    expect(oldQuorum(modelPlan())).toBe(2);
    const five = { serving: true, members: [1, 2, 3, 4, 5].map((n) => member(n)) };
    expect(oldQuorum(modelPlan({ baseline: five }))).toBe(3);
    expect(oldQuorum(modelPlan({ leftOut: [leftOut('cp4', 'm4'), leftOut('cp5', 'm5')] }))).toBe(3);
    const learners = {
      serving: true,
      members: [...[1, 2, 3].map((n) => member(n)), member(4, true), member(5, true)],
    };
    expect(oldQuorum(modelPlan({ baseline: learners }))).toBe(2);
    expect(oldQuorum(modelPlan({ leftOut: [leftOut('w1', ''), leftOut('w2', '')] }))).toBe(2);
  });
});

describe('undo goes on without', () => {
  const plan = modelPlan();
  const dead = modelPlan({ baseline: { serving: false } });
  const servers = ['api1', 'api2'].map((node, index) => ({ node, ledgerId: node, order: 3 + index }));
  const mixed = modelPlan({ nodes: [...plan.nodes, ...servers] });
  it.each([
    ['a minority', plan, away('cp1'), true],
    ['no majority', plan, away('cp1', 'cp2'), false],
    ['whoever has no member', mixed, away('cp1', 'api1', 'api2'), true],
    ['no majority, whoever has no member is there', mixed, away('cp1', 'cp2'), false],
    ['a majority of an OLD that did not serve', dead, away('cp1', 'cp2'), true],
    [
      'no majority of those that are left, where OLD had more',
      modelPlan({ leftOut: [leftOut('cp4', 'm4'), leftOut('cp5', 'm5')] }),
      away('cp1'),
      false,
    ],
  ])('%s', (_who, of, absent, may) => {
    expect(mayUndoWithout(of, absent)).toBe(may);
  });
});

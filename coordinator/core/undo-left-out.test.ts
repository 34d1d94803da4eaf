import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { describe, expect, it } from 'vitest';
import { Driver, modelPlan } from './testing/driver.ts';

const VOTERS = ['m1', 'm2', 'm3', 'm4'].map((id) => ({ id, name: id, learner: false }));
const FOURTH = { node: 'cp4', memberId: 'm4', memberName: 'm4' };

/** Three nodes, of which one goes away once the downtime has begun and the exchange fails on another. */
function undoneWithoutOne(change: object): Driver {
  let lost = false;
  const driver: Driver = new Driver(
    { deliver: (node) => (lost && node === 'cp3' ? 'lost' : 'answered'), pick: () => 0 },
    modelPlan(change),
  );
  driver.agent('cp1').faults.push({ on: Step.STEP_SWAP, code: 'STOP_UNPROVEN' });
  driver.start();
  while (driver.tick()) lost ||= driver.state.stage.kind === 'undo';
  return driver;
}

describe('undo without a node that went away', () => {
  it('goes on where the others are OLD’s quorum', () => {
    const { stage } = undoneWithoutOne({}).state;
    expect(stage).toMatchObject({ kind: 'ended', outcome: Outcome.OUTCOME_ROLLED_BACK });
  });

  it('does not where the plan left one out besides: together they are too many', () => {
    const left = { leftOut: [FOURTH], baseline: { serving: true, etcdClusterId: 'old', members: VOTERS } };
    const { stage } = undoneWithoutOne(left).state;
    expect(stage).toMatchObject({
      kind: 'ended',
      outcome: Outcome.OUTCOME_NEEDS_OPERATOR,
      failure: { code: 'UNDO_WITHOUT_QUORUM' },
    });
  });
});

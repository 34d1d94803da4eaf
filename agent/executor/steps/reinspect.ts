import { LockstepError, refusal, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { driftDifferences, driftFields, driftSha256 } from '@lockstep/shared/plan/drift.ts';
import { missingBytes } from '../../core/space.ts';
import { proveNew } from '../prove-new.ts';
import {
  type NodeContext,
  onMember,
  required,
  type StepHandler,
  type StepPorts,
  wasCompleted,
} from '../step.ts';

/** A member on a busy node may miss one look, and is not gone for that. */
const LOOKS = 3;
const BETWEEN_LOOKS_MS = 2_000;

/**
 * Looks at everything that the plan rests on again, right before downtime; at NEW too: a BUILD that
 * came twice may have been cut short, and a ledger that was set back knows of the first one alone.
 */
export const reinspect: StepHandler = {
  async perform(context: NodeContext, _intent, signal) {
    const { node, nodePlan, snapshot, effects, ports, progress } = context;
    progress('inspecting');
    const report = await lookAgain(nodePlan.driftSha256, ports, signal);
    const fields = driftFields(report);
    const drift: Refusal[] = [];
    if (driftSha256(fields) !== nodePlan.driftSha256) {
      for (const { field, planned, found } of driftDifferences(nodePlan.driftFields, fields)) {
        drift.push(refusal('PLAN_DRIFTED', `${field} was ${said(planned)}, and is ${said(found)}.`, node));
      }
      if (drift.length === 0) {
        drift.push(refusal('PLAN_DRIFTED', 'The digest of what must not change is another one.', node));
      }
    }
    const space = missingBytes(nodePlan.neededBytes, report.disks, required(snapshot.facts, 'card', node), {
      staged: wasCompleted(effects, Step.STEP_STAGE),
      built: wasCompleted(effects, Step.STEP_BUILD),
    });
    if (space > 0n) {
      drift.push(
        refusal('SPACE_TOO_LITTLE', `${node} lacks ${space} bytes of what the plan asks for.`, node),
      );
    }
    if (drift.length === 0) {
      if (onMember(context)) {
        progress('proving NEW again');
        await proveNew(context, signal);
      }
      return { detail: { driftSha256: nodePlan.driftSha256 } };
    }
    const failure = toFailure(
      new LockstepError(drift[0]?.code === 'SPACE_TOO_LITTLE' ? 'SPACE_TOO_LITTLE' : 'PLAN_DRIFTED', {
        node,
        message: drift.map((each) => each.message).join(' '),
      }),
    );
    return { result: { failure, drift } };
  },
};

/** A report that is as planned, or the last of a few where something did not answer. */
async function lookAgain(
  planned: string,
  { describe, clock }: Pick<StepPorts, 'describe' | 'clock'>,
  signal: AbortSignal,
): Promise<NodeReport> {
  for (let look = 1; ; look += 1) {
    const report = await describe(signal);
    const isUnclear = report.failures.length > 0 || report.etcd?.serving === false;
    if (look === LOOKS || !isUnclear || driftSha256(driftFields(report)) === planned) return report;
    await clock.delay(BETWEEN_LOOKS_MS, signal);
  }
}

function said(value: string | undefined): string {
  return value === undefined ? 'not there' : JSON.stringify(value);
}

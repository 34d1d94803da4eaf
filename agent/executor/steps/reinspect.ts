import { LockstepError, refusal, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { driftDifferences, driftFields, driftSha256 } from '@lockstep/shared/plan/drift.ts';
import { completionOf, type StepContext, type StepHandler } from '../step.ts';

/** What `etcdutl snapshot restore` writes beside the database: one WAL, allocated whole. */
const WAL_BYTES = 64_000_000n;

/** Looks at everything that the plan rests on again, right before downtime. */
export const reinspect: StepHandler = {
  async perform(context, _intent, signal) {
    const { node, nodePlan, ports, progress } = context;
    progress('inspecting');
    const [report, free] = await Promise.all([
      ports.describe(signal),
      ports.stores.freeBytes(context.paths.stagingDir, signal),
    ]);
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
    const space = missingBytes(context, free);
    if (space > 0n) {
      drift.push(
        refusal('SPACE_TOO_LITTLE', `${node} lacks ${space} bytes under ${context.paths.stagingDir}.`, node),
      );
    }
    if (drift.length === 0) return { detail: { driftSha256: nodePlan.driftSha256 } };
    const failure = toFailure(
      new LockstepError(drift[0]?.code === 'SPACE_TOO_LITTLE' ? 'SPACE_TOO_LITTLE' : 'PLAN_DRIFTED', {
        node,
        message: drift.map((each) => each.message).join(' '),
      }),
    );
    return { result: { failure, drift } };
  },
};

/** What was staged and built since the plan is counted as there: the plan asked for room for it. */
function missingBytes({ nodePlan, snapshot, effects }: StepContext, freeBytes: bigint): bigint {
  const staged =
    completionOf(effects, Step.STEP_STAGE) === undefined ? 0n : (snapshot.facts?.fileSizeBytes ?? 0n);
  const built =
    completionOf(effects, Step.STEP_BUILD) === undefined
      ? 0n
      : (snapshot.facts?.status?.totalSizeBytes ?? 0n) + WAL_BYTES;
  const missing = nodePlan.neededBytes - staged - built - freeBytes;
  return missing > 0n ? missing : 0n;
}

function said(value: string | undefined): string {
  return value === undefined ? 'not there' : JSON.stringify(value);
}

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { z } from 'zod';
import { baselineDifferences, mustServeAgain, type ServedBefore } from '../../core/baseline.ts';
import type { EffectRecord } from '../../ledger/records.ts';
import type { MemberObservation } from '../../ports.ts';
import {
  completionOf,
  type NodeContext,
  onMember,
  type StepContext,
  type StepHandler,
  wasIntended,
} from '../step.ts';
import { findStores, notAsRecorded, swapRecord } from '../swap-record.ts';
import { untilServing } from './prepare-gate.ts';

const staged = z.object({ pulled: z.boolean() });
const safeguarded = z.object({ baseline: z.object({ serving: z.boolean() }), apiReady: z.boolean() });

/** Waits until OLD serves as it did before downtime; then removes what this operation made, and ends it. */
export const undoVerify: StepHandler = {
  ends: 'undone',
  async perform(context: NodeContext, _intent, signal) {
    const { node, plan, nodePlan, components, effects, ports, progress } = context;
    const baseline = plan.baseline;
    const wasFenced = wasIntended(effects, Step.STEP_FENCE_API);
    const owed = mustServeAgain(wasFenced, baseline, servedBefore(effects));
    if (baseline !== undefined && owed.member && onMember(context)) {
      progress('waiting for OLD to serve');
      let last: MemberObservation | undefined;
      try {
        await untilServing(context, signal, (observed) => {
          last = observed;
          return baselineDifferences(baseline, observed).length === 0;
        });
      } catch (cause) {
        throw new LockstepError('BASELINE_NOT_BACK', {
          node,
          message:
            last === undefined
              ? `The member on ${node} does not answer.`
              : `The member on ${node} serves, but ${baselineDifferences(baseline, last).join('; ')}.`,
          cause,
        });
      }
    }
    if (owed.api && components.includes('kube-apiserver')) {
      progress('waiting for /readyz');
      await ports.hosting.waitApiReady(nodePlan, signal);
    }
    if (onMember(context)) await removeOwn(context, signal);
    return {};
  },
};

/** As SAFEGUARD recorded it. */
function servedBefore(effects: readonly EffectRecord[]): ServedBefore | undefined {
  const kept = safeguarded.safeParse(completionOf(effects, Step.STEP_SAFEGUARD));
  return kept.success ? { member: kept.data.baseline.serving, api: kept.data.apiReady } : undefined;
}

/** NEW and the pulled snapshot; never OLD, which is why the inodes are looked at once more. */
async function removeOwn(
  { node, operationId, snapshot, paths, effects, ports }: StepContext,
  signal: AbortSignal,
): Promise<void> {
  const recorded = swapRecord(effects);
  const found = await findStores(ports.stores, paths, recorded, signal);
  if (found.store !== 'old') throw notAsRecorded(node, paths, found, recorded);
  await ports.stores.removeOwnTree(paths.stagingDir, operationId, signal);
  const stage = staged.safeParse(completionOf(effects, Step.STEP_STAGE));
  if (stage.success && stage.data.pulled) await ports.snapshots.remove(snapshot.id);
  // A pull that was cut short, by a full disk perhaps, must not leave the disk as full as it made it.
  else await ports.snapshots.removePart(snapshot.id);
}

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { requireTrustedCard } from '../judge-card.ts';
import type { StepHandler } from '../step.ts';

/** Pulls the snapshot of the plan, or reads again the one that is here; first of all judges its card. */
export const stage: StepHandler = {
  async perform({ node, plan, snapshot, ports, progress }, _intent, signal) {
    const { snapshots } = ports;
    await requireTrustedCard(node, plan, snapshot, ports.judgeSeals);
    if ((await snapshots.find(snapshot.id).catch(() => undefined)) !== undefined) {
      progress('verifying');
      const { facts, refusals } = await snapshots.verify(snapshot.id, signal);
      if (refusals.length === 0 && facts?.fileSha256 === snapshot.facts?.fileSha256) {
        return { detail: { pulled: false, sha256: facts?.fileSha256 } };
      }
      // A copy that went bad here is replaced; elsewhere the good one is kept.
      await snapshots.remove(snapshot.id);
    }
    const sources = plan.sources.filter((source) => source.node !== node);
    if (sources.length === 0) {
      throw new LockstepError('PULL_FAILED', {
        node,
        message: `${node} has no good copy of ${snapshot.id}, and the plan names no other source.`,
      });
    }
    progress('pulling');
    const carried = { card: snapshot, sealed: plan.sealedSnapshot };
    await ports.pull(carried, sources, (done, total) => progress('pulling', done, total), signal);
    return { detail: { pulled: true, sha256: snapshot.facts?.fileSha256 } };
  },
};

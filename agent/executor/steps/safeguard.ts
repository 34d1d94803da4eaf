import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { StepHandler } from '../step.ts';
import { findStores, swapRecord } from '../swap-record.ts';

/** A member or an API server that has not answered by then is not serving. */
const ANSWER_MS = 10_000;
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

/** Records OLD as it is, and leaves a person everything that is needed to bring it back by hand. */
export const safeguard: StepHandler = {
  async perform(
    { operationId, plan, nodePlan, paths, components, effects, ports, progress },
    _intent,
    signal,
  ) {
    const { hosting, stores, member, clock } = ports;
    progress('recording the baseline');
    await stores.makeDirectory(paths.operationDir, DIRECTORY_MODE, signal);
    // A cluster whose quorum is gone does not answer: that is a baseline too.
    const baseline = await member.observe(clock.deadline(ANSWER_MS, signal)).then(
      (observed) => ({ serving: true, ...observed }),
      (error: unknown) => {
        signal.throwIfAborted();
        return { serving: false, because: error instanceof Error ? error.message : String(error) };
      },
    );
    const apiReady =
      components.includes('kube-apiserver') &&
      (await hosting.waitApiReady(nodePlan, clock.deadline(ANSWER_MS, signal)).then(
        () => true,
        () => {
          signal.throwIfAborted();
          return false;
        },
      ));
    const found = await findStores(stores, paths, swapRecord(effects), signal);
    await stores.writeFile(
      paths.planFile,
      `${JSON.stringify(RestorePlan.toJSON(plan), null, 2)}\n`,
      FILE_MODE,
      signal,
    );
    await stores.writeFile(
      paths.undoFile,
      hosting.undoText(nodePlan, { operationId, parkedDir: paths.parkedDir, otherStore: paths.other }),
      FILE_MODE,
      signal,
    );
    // A reload of the service manager takes long on a busy host: not in the downtime.
    progress('preparing the hold on kubelet');
    await hosting.prepareHold(signal);
    return { detail: { baseline, apiReady, old: found.inPlace, new: found.other } };
  },
};

import { LockstepError, toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { within } from '@lockstep/shared/silence.ts';
import { type NodeContext, onMember, type StepHandler } from '../step.ts';
import { findStores, swapRecord } from '../swap-record.ts';

/** A member or an API server that has not answered by then is not serving. */
const ANSWER_MS = 10_000;
/** Evidence that takes longer is done without. */
const EVIDENCE_MS = 20_000;
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

/** Records OLD as it is, and leaves a person everything that is needed to bring it back by hand. */
export const safeguard: StepHandler = {
  async perform(context: NodeContext, _intent, signal) {
    const { operationId, plan, nodePlan, paths, components, effects, ports, progress } = context;
    const { hosting, stores, clock } = ports;
    progress('recording the baseline');
    await stores.makeDirectory(paths.operationDir, DIRECTORY_MODE, signal);
    const baseline = onMember(context)
      ? await baselineOf(context, signal)
      : { serving: false, because: 'this node has no member' };
    const apiReady =
      components.includes('kube-apiserver') &&
      (await hosting.waitApiReady(nodePlan, clock.deadline(ANSWER_MS, signal)).then(
        () => true,
        () => {
          signal.throwIfAborted();
          return false;
        },
      ));
    const found = onMember(context)
      ? await findStores(stores, context.paths, swapRecord(effects), signal)
      : undefined;
    await stores.writeFile(
      paths.planFile,
      `${JSON.stringify(RestorePlan.toJSON(plan), null, 2)}\n`,
      FILE_MODE,
      signal,
    );
    await stores.writeFile(
      paths.undoFile,
      hosting.undoText(nodePlan, {
        operationId,
        parkedDir: paths.parkedDir,
        otherStore: onMember(context) ? context.paths.other : undefined,
      }),
      FILE_MODE,
      signal,
    );
    const evidence = await gathered(context, signal);
    // A reload of the service manager takes long on a busy host: not in the downtime.
    progress('preparing the hold on kubelet');
    await hosting.prepareHold(signal);
    return { detail: { baseline, apiReady, evidence, old: found?.inPlace, new: found?.other } };
  },
};

/**
 * What is on the node now, and may not be afterwards. It is never a reason not to restore: whatever
 * becomes of it, and however long it takes, is told and the step goes on.
 */
async function gathered(context: NodeContext, signal: AbortSignal): Promise<object | undefined> {
  const { operationId, node, plan, paths, ports, progress, logger } = context;
  const { gatherBefore, clock } = ports;
  if (gatherBefore === undefined) return undefined;
  progress('gathering evidence');
  const path = `${paths.operationDir}/evidence.tar.zst`;
  const limit = {
    timeoutMs: EVIDENCE_MS,
    clock,
    error: () =>
      new LockstepError('EVIDENCE_FAILED', { node, message: `It took more than ${EVIDENCE_MS / 1000} s.` }),
  };
  try {
    const { requestedBy } = plan;
    const until = clock.deadline(EVIDENCE_MS, signal);
    return {
      path,
      ...(await within(gatherBefore({ operationId, requestedBy, path }, until), limit, signal)),
    };
  } catch (thrown) {
    signal.throwIfAborted();
    const { code, message } = toFailure(thrown, node);
    logger.warn({ operationId, code, reason: message }, 'no evidence was gathered; the restore goes on');
    progress(`going on without evidence: ${code}`);
    return { code, message };
  }
}

/** A cluster whose quorum is gone does not answer: that is a baseline too. */
async function baselineOf({ ports: { member, clock } }: NodeContext, signal: AbortSignal): Promise<object> {
  try {
    return { serving: true, ...(await member.observe(clock.deadline(ANSWER_MS, signal))) };
  } catch (error) {
    signal.throwIfAborted();
    return { serving: false, because: error instanceof Error ? error.message : String(error) };
  }
}

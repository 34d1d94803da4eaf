import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { type Action, MAX_ACTIONS, nextAction, type Observation, type Target } from '../core/convergence.ts';
import { proveStoppedSoon } from './prove-stopped.ts';
import { type NodeContext, onMember, type StepContext, wasIntended } from './step.ts';
import { findStores, forgottenExchange, notAsRecorded, swapRecord } from './swap-record.ts';

/** Five members that check each other for corruption at start take 28 s. */
const QUORUM_PATIENCE_MS = 30_000;
const POLL_MS = 20;

const WORDS: Record<Action['kind'], string> = {
  'hold-kubelet': 'holding kubelet',
  'park-manifests': 'moving manifests out',
  'stop-components': 'stopping',
  'exchange-back': 'exchanging stores',
  'return-manifest': 'returning manifests',
  'release-kubelet': 'starting kubelet',
};

/**
 * Goes to the target by the core's rule, observing afresh before each action. Returns the actions
 * that were taken. Throws STORE_NOT_AS_RECORDED, UNDO_FAILED past the bound, and what the ports throw.
 */
export async function converge(
  context: NodeContext,
  target: Target,
  signal: AbortSignal,
): Promise<Action['kind'][]> {
  const taken: Action[] = [];
  const store = onMember(context) ? await recall(context, signal) : undefined;
  for (;;) {
    signal.throwIfAborted();
    const found = await store?.find(signal);
    const exchanged = store === undefined ? mayHaveReadNew(context) : store.recorded !== undefined;
    const next = nextAction(await observe(context, found?.store ?? 'none', exchanged, signal), target);
    switch (next.kind) {
      case 'done':
        // An earlier try may have exchanged them back and died before it synced; a ledger that was
        // set back since knows of no exchange at all.
        if (target === 'old-in-place' || store?.recorded !== undefined) await store?.sync(signal);
        if (target === 'old-serving') await makeReturnDurable(context, taken, signal);
        return taken.map(({ kind }) => kind);
      case 'store-not-as-recorded':
        if (found === undefined || store === undefined) throw new Error('a store where there is none');
        throw notAsRecorded(context.node, store.paths, found, store.recorded);
      case 'new-in-place':
        throw new LockstepError('STEP_OUT_OF_ORDER', {
          node: context.node,
          message: `NEW is in place on ${context.node}: it must be stopped and exchanged back first.`,
        });
      case 'act':
        if (taken.length >= MAX_ACTIONS) {
          throw new LockstepError('UNDO_FAILED', {
            node: context.node,
            message: `${context.node} did not come nearer to OLD after ${taken.length} actions; the last was ${taken.at(-1)?.kind}.`,
          });
        }
        context.logger.info({ action: next.action, target }, 'undo acts');
        context.progress(WORDS[next.action.kind]);
        if (next.action.kind === 'exchange-back') await makeFenceDurable(context, taken, signal);
        await perform(context, next.action, signal);
        taken.push(next.action);
        break;
      default:
        next satisfies never;
    }
  }
}

/** The node's two stores, with what is on record of their exchange. */
async function recall(context: StepContext, signal: AbortSignal) {
  const {
    effects,
    paths,
    ports: { stores },
  } = context;
  const recorded =
    swapRecord(effects) ?? forgottenExchange(context, await findStores(stores, paths, undefined, signal));
  return {
    paths,
    recorded,
    find: (until: AbortSignal) => findStores(stores, paths, recorded, until),
    sync: (until: AbortSignal) => stores.syncNames([paths.inPlace, paths.other], until),
  };
}

/**
 * On a node without a member: it was fenced, and OLD is not on its way back yet. Whoever put an API
 * server back here since then may have had it read NEW, from the members.
 */
function mayHaveReadNew({ effects }: NodeContext): boolean {
  return wasIntended(effects, Step.STEP_FENCE_API) && !wasIntended(effects, Step.STEP_UNDO_START);
}

async function observe(
  { ports: { hosting }, nodePlan, operationId, components }: NodeContext,
  store: Observation['store'],
  exchanged: boolean,
  signal: AbortSignal,
): Promise<Observation> {
  const [kubelet, manifestsInPlace] = await Promise.all([
    hosting.kubeletState(operationId, signal),
    hosting.manifestsInPlace(nodePlan, signal),
  ]);
  // The proof costs, and says nothing while kubelet may start what was stopped.
  const worthProving = exchanged && kubelet.held && !kubelet.active && manifestsInPlace.length === 0;
  const provenStopped =
    worthProving &&
    (await hosting.proveStopped(nodePlan, operationId, components, signal).then(
      () => true,
      (error: unknown) => {
        signal.throwIfAborted();
        if (error instanceof LockstepError) return false;
        throw error;
      },
    ));
  return { store, exchanged, kubelet, planned: components, manifestsInPlace, provenStopped };
}

/**
 * A while for OLD's quorum, of which other nodes are part. An API server that starts without it
 * crashes and is kept waiting by kubelet; where quorum does not come, the rest returns all the same.
 */
async function waitForMember(context: NodeContext, signal: AbortSignal): Promise<void> {
  const { plan, ports } = context;
  if (plan.baseline?.serving !== true) return;
  const serving = {
    describe: () => 'OLD serves',
    check: (until: AbortSignal) =>
      onMember(context)
        ? ports.member.observe(until).then(
            () => true,
            () => false,
          )
        : ports.hosting.etcdServes(until),
  };
  const { clock } = ports;
  const patience = clock.deadline(QUORUM_PATIENCE_MS, signal);
  await waitFor(serving, POLL_MS, patience, clock).catch(() => signal.throwIfAborted());
}

/**
 * What an earlier try did, and this one only saw, may not have been synced when that one died: a
 * power loss would undo it. Both actions sync, also where nothing is left to do.
 */
async function makeFenceDurable(
  { ports: { hosting }, nodePlan, operationId, paths, components }: NodeContext,
  taken: readonly Action[],
  signal: AbortSignal,
): Promise<void> {
  if (!took(taken, 'hold-kubelet')) await hosting.holdKubelet(operationId, signal);
  if (took(taken, 'park-manifests')) return;
  await hosting.parkManifests(nodePlan, components, paths.parkedDir, signal);
}

function took(taken: readonly Action[], kind: Action['kind']): boolean {
  return taken.some((each) => each.kind === kind);
}

/**
 * The same for OLD's return; where the fence never came, nothing was ever out. Every manifest
 * that was not returned in this try: an earlier try or an outside hand did it, and may not have synced.
 */
async function makeReturnDurable(
  { ports: { hosting }, nodePlan, operationId, paths, components, effects }: NodeContext,
  taken: readonly Action[],
  signal: AbortSignal,
): Promise<void> {
  if (!wasIntended(effects, Step.STEP_FENCE_API)) return;
  const returned = taken.flatMap((each) => (each.kind === 'return-manifest' ? [each.component] : []));
  for (const component of components.filter((each) => !returned.includes(each))) {
    await hosting.returnManifest(nodePlan, component, paths.parkedDir, signal);
  }
  if (!took(taken, 'release-kubelet')) await hosting.releaseKubelet(operationId, signal);
}

async function perform(context: NodeContext, action: Action, signal: AbortSignal): Promise<void> {
  const { ports, nodePlan, operationId, paths, components } = context;
  const { hosting, stores } = ports;
  const prove = (): Promise<void> => hosting.proveStopped(nodePlan, operationId, components, signal);
  switch (action.kind) {
    case 'hold-kubelet':
      return hosting.holdKubelet(operationId, signal);
    case 'park-manifests':
      return hosting.parkManifests(nodePlan, components, paths.parkedDir, signal);
    case 'stop-components':
      await hosting.stopComponents(nodePlan, components, signal);
      return proveStoppedSoon(context, components, signal);
    case 'exchange-back':
      if (!onMember(context)) throw new Error('an exchange where there is no store');
      // The lock is on what may still have a writer: the store that is in place.
      return stores.exchange(
        {
          inPlace: context.paths.inPlace,
          other: context.paths.other,
          lockDb: context.paths.inPlaceDb,
          prove,
        },
        signal,
      );
    case 'return-manifest':
      if (action.component === 'kube-apiserver') await waitForMember(context, signal);
      return hosting.returnManifest(nodePlan, action.component, paths.parkedDir, signal);
    case 'release-kubelet':
      return hosting.releaseKubelet(operationId, signal);
    default:
      return action satisfies never;
  }
}

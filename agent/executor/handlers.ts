import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { RunnableStep } from '../core/operation.ts';
import type { StepHandler } from './step.ts';
import { build } from './steps/build.ts';
import { close } from './steps/close.ts';
import { fenceApi } from './steps/fence-api.ts';
import { fenceEtcd } from './steps/fence-etcd.ts';
import { prepareGate } from './steps/prepare-gate.ts';
import { reinspect } from './steps/reinspect.ts';
import { rejoinAdmit } from './steps/rejoin-admit.ts';
import { rejoinBack } from './steps/rejoin-back.ts';
import { rejoinEmpty } from './steps/rejoin-empty.ts';
import { rejoinPromote } from './steps/rejoin-promote.ts';
import { rejoinServe } from './steps/rejoin-serve.ts';
import { rejoinStart } from './steps/rejoin-start.ts';
import { safeguard } from './steps/safeguard.ts';
import { setAside } from './steps/set-aside.ts';
import { stage } from './steps/stage.ts';
import { startApi } from './steps/start-api.ts';
import { startControllers } from './steps/start-controllers.ts';
import { startEtcd } from './steps/start-etcd.ts';
import { startKubelet } from './steps/start-kubelet.ts';
import { swap } from './steps/swap.ts';
import { undoStart } from './steps/undo-start.ts';
import { undoStop } from './steps/undo-stop.ts';
import { undoVerify } from './steps/undo-verify.ts';

/** Total: a step of the contract without a handler does not compile. */
export type Handlers = { readonly [S in RunnableStep]: StepHandler };

export const HANDLERS: Handlers = {
  [Step.STEP_STAGE]: stage,
  [Step.STEP_BUILD]: build,
  [Step.STEP_SAFEGUARD]: safeguard,
  [Step.STEP_REINSPECT]: reinspect,
  [Step.STEP_FENCE_API]: fenceApi,
  [Step.STEP_FENCE_ETCD]: fenceEtcd,
  [Step.STEP_SWAP]: swap,
  [Step.STEP_START_KUBELET]: startKubelet,
  [Step.STEP_START_ETCD]: startEtcd,
  [Step.STEP_PREPARE_GATE]: prepareGate,
  [Step.STEP_START_API]: startApi,
  [Step.STEP_START_CONTROLLERS]: startControllers,
  [Step.STEP_CLOSE]: close,
  [Step.STEP_UNDO_STOP]: undoStop,
  [Step.STEP_UNDO_START]: undoStart,
  [Step.STEP_UNDO_VERIFY]: undoVerify,
  [Step.STEP_SET_ASIDE]: setAside,
  [Step.STEP_REJOIN_ADMIT]: rejoinAdmit,
  [Step.STEP_REJOIN_EMPTY]: rejoinEmpty,
  [Step.STEP_REJOIN_START]: rejoinStart,
  [Step.STEP_REJOIN_PROMOTE]: rejoinPromote,
  [Step.STEP_REJOIN_SERVE]: rejoinServe,
  [Step.STEP_REJOIN_BACK]: rejoinBack,
};

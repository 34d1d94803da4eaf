import type { Lab } from '../lab/lab.ts';

/** One way of bringing a control plane back, measured from outside while it runs. */
export interface Contender {
  readonly name: ContenderName;
  /** What it does, in a line. */
  readonly describe: string;
  /** Before the clock can run: whatever a person could have ready. */
  prepare(lab: Lab, signal: AbortSignal): Promise<void>;
  /** Resolves once every API server is ready again. */
  run(lab: Lab, signal: AbortSignal): Promise<void>;
  /** The lab as the next contender expects it: kubelets running, every static pod theirs. */
  tidy(lab: Lab, signal: AbortSignal): Promise<void>;
}

export type ContenderName =
  | 'lockstep'
  | 'floor'
  | 'bare-floor'
  | 'runbook'
  | 'good-script'
  | 'knowing-script';

export async function allReady(lab: Lab, signal: AbortSignal): Promise<void> {
  await Promise.all(lab.controlPlanes.map((node) => node.waitApiReady(signal)));
}

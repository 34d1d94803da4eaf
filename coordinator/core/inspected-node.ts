import type { EncryptionVerdict } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';

/** A node as its agent described it, or why it did not. */
export interface InspectedNode {
  readonly node: string;
  readonly address: string;
  /** Undefined where the agent did not answer; `failure` then says why. */
  readonly report: NodeReport | undefined;
  readonly failure: Failure | undefined;
  /** The middle of the question and the answer, by the coordinator's clock. */
  readonly askedMs: number;
  /** What the node's keys could open; empty where nothing is encrypted or it could not be asked. */
  readonly encryption: readonly EncryptionVerdict[];
}

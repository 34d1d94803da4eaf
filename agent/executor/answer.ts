import { StepResult } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { z } from 'zod';
import type { RunnableStep } from '../core/operation.ts';
import type { EffectRecord } from '../ledger/records.ts';
import { completionOf } from './step.ts';

const schema = z.object({ canaryRevision: z.coerce.bigint() });

/** The answer to a step that was done and whose time is over: what the ledger kept of its result. */
export function recordedResult(effects: readonly EffectRecord[], step: RunnableStep): StepResult {
  const kept = schema.safeParse(completionOf(effects, step));
  return StepResult.fromPartial(kept.success ? kept.data : {});
}

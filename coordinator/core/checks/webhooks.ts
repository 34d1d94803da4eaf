import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Check } from './check.ts';

/** No fail-closed admission webhook of the snapshot points to nothing: it would block every repair. */
export const checkWebhooks: Check = ({ facts }) =>
  (facts?.orphanWebhooks ?? []).map((webhook) =>
    refusal('WEBHOOK_ORPHANED', `${webhook} fails closed and its Service is not in the snapshot`),
  );

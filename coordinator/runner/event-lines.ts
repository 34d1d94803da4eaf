import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import type { Logger } from '@lockstep/shared/logging.ts';

/** A line in the log for an operation's event; progress that another will follow has none. */
export function logEvent(logger: Logger, { event, sequence }: OperationEvent): void {
  if (event === undefined) return;
  if (event.$case === 'nodeProgress' && !event.value.done) return;
  if (!logger.isLevelEnabled('info')) return;
  logger.info({ sequence: Number(sequence), [event.$case]: loggable(event.value) }, 'operation event');
}

/** bigint has no JSON of its own. */
function loggable(value: object): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? Number(each) : each)),
  );
}

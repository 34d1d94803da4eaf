import type { Clock } from '@lockstep/shared/clock.ts';
import { fromFailure, LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Copying } from './copying.ts';
import type { Agents, Saves } from './ports.ts';
import { chooseSource } from './snapshots.ts';

/** One snapshot, and the copies that the configuration wants, without anybody who watches. */
export function unwatchedSaves(
  cluster: string,
  agents: Agents,
  copying: Pick<Copying, 'makeWanted'>,
  clock: Clock,
): Saves {
  return {
    async run({ node, reason }, signal) {
      const source = await chooseSource(agents, clock, node, signal);
      for await (const { event } of source.saveSnapshot({ cluster, reason, offline: false }, signal)) {
        if (event?.$case === 'failure') throw fromFailure(event.value);
        if (event?.$case === 'snapshot') {
          const snapshot = { ...event.value, node: source.node };
          const made = await copying.makeWanted(snapshot, () => undefined, signal);
          return { snapshot, failures: made.flatMap(({ failure }) => failure ?? []) };
        }
      }
      throw new LockstepError('SAVE_FAILED', {
        node: source.node,
        message: `${source.node} ended the call without a snapshot.`,
      });
    },
  };
}

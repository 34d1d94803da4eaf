import type { Clock } from '@lockstep/shared/clock.ts';
import { fromFailure, LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Agents, Saves } from './ports.ts';
import { chooseSource } from './snapshots.ts';

/** One snapshot without anybody who watches it being taken. */
export function plainSaves(cluster: string, agents: Agents, clock: Clock): Saves {
  return {
    async run({ node, reason }, signal) {
      const source = await chooseSource(agents, clock, node, signal);
      for await (const { event } of source.saveSnapshot({ cluster, reason, offline: false }, signal)) {
        if (event?.$case === 'failure') throw fromFailure(event.value);
        if (event?.$case === 'snapshot') {
          return { snapshot: { ...event.value, node: source.node }, failures: [] };
        }
      }
      throw new LockstepError('SAVE_FAILED', {
        node: source.node,
        message: `${source.node} ended the call without a snapshot.`,
      });
    },
  };
}

import { planRestore, runRestore } from '../../demo/lockstep.ts';
import { allReady, type Contender } from '../contender.ts';

/** The product, by its command line. The plan is made before, as it is for a person who reads it. */
export function lockstep({ snapshotId }: { readonly snapshotId: string }): Contender {
  let operationId = '';
  return {
    name: 'lockstep',
    describe: 'lockstep restore run',
    async prepare(lab) {
      operationId = (await planRestore(lab, snapshotId)).operationId;
    },
    async run(lab, signal) {
      await runRestore(lab, operationId, () => {});
      await allReady(lab, signal);
    },
    async tidy() {},
  };
}

import type { Clock } from '@lockstep/shared/clock.ts';
import { toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { SaveSnapshotResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { StoredSnapshot } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { ProgressSlot } from '../executor/step-stream.ts';

/** A snapshot being taken or copied here, as a stream: progress, then the snapshot or why there is none. */
export async function* streamSave(
  node: string,
  clock: Clock,
  take: (progress: (doneBytes: bigint, totalBytes: bigint) => void) => Promise<StoredSnapshot>,
  step = 'saving',
): AsyncGenerator<SaveSnapshotResponse, void, undefined> {
  const progress = new ProgressSlot(clock);
  const taken = take((done, total) => progress.put(step, done, total)).then(
    (value): SaveSnapshotResponse => ({ event: { $case: 'snapshot', value } }),
    (error: unknown): SaveSnapshotResponse => ({
      event: { $case: 'failure', value: toFailure(error, node) },
    }),
  );
  for (;;) {
    const first = await Promise.race([taken, progress.next().then(() => undefined)]);
    if (first !== undefined) {
      yield first;
      return;
    }
    const word = progress.take();
    if (word !== undefined) yield { event: { $case: 'progress', value: word } };
  }
}

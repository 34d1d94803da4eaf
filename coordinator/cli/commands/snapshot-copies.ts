import { sha256Hex } from '@lockstep/shared/digest.ts';
import { fromFailure, LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { OperatorServiceService } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { Encoding } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { Answer } from '../answer.ts';
import { type Coordinator, WAIT_MS } from '../coordinator.ts';
import { type Invocation, withCoordinator } from '../invocation.ts';
import { wrap } from '../render/layout.ts';
import { bytes } from '../render/units.ts';
import { saveDisplay } from '../save-display.ts';

export interface CopyOptions {
  readonly toNode: readonly string[];
  readonly toStore: readonly string[];
}

export interface FetchOptions {
  readonly store?: string;
  readonly node?: string;
  readonly identity?: string;
}

export async function copySnapshot(
  invocation: Invocation,
  snapshotId: string,
  { toNode, toStore }: CopyOptions,
): Promise<Answer> {
  if (toNode.length + toStore.length === 0) {
    throw new LockstepError('USAGE', { message: 'Say where to: --to-node NAME or --to-store NAME.' });
  }
  return await withCoordinator(invocation, async (coordinator) => {
    using display = saveDisplay(invocation);
    const request = { snapshotId, nodes: [...toNode], stores: [...toStore] };
    const events = coordinator.stream(OperatorServiceService.copySnapshot, request, WAIT_MS.snapshot);
    for await (const { event } of events) {
      if (event?.$case === 'failure') throw fromFailure(event.value);
      if (event?.$case === 'progress') display.show(event.value);
      if (event?.$case !== 'entry') continue;
      display[Symbol.dispose]();
      const { held, copies } = event.value;
      const places = [...held.map(({ node }) => node), ...copies.map(({ store }) => store)];
      return {
        data: { snapshotId, places },
        names: [snapshotId],
        render: (layout) => wrap(layout, `${snapshotId} is copied; it lies on ${places.join(', ')}.`),
      };
    }
    throw new LockstepError('INTERNAL', { message: 'The coordinator ended the call without an answer.' });
  });
}

export async function fetchSnapshot(
  invocation: Invocation,
  snapshotId: string,
  options: FetchOptions,
): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const { store, fileKey } = await openCopy(coordinator, snapshotId, options);
    using display = saveDisplay(invocation);
    const request = { snapshotId, store, node: options.node ?? '', fileKey: Buffer.from(fileKey) };
    const events = coordinator.stream(OperatorServiceService.fetchSnapshot, request, WAIT_MS.snapshot);
    for await (const { event } of events) {
      if (event?.$case === 'failure') throw fromFailure(event.value);
      if (event?.$case === 'progress') display.show(event.value);
      if (event?.$case !== 'snapshot') continue;
      display[Symbol.dispose]();
      const { node, path, file } = event.value;
      const sizeBytes = file?.sizeBytes ?? 0n;
      return {
        data: { snapshotId, store, node, path, sizeBytes },
        names: [snapshotId],
        render: (layout) =>
          wrap(
            layout,
            `${snapshotId} is proven and kept on ${node}: ${path} (${bytes(sizeBytes)}), from ${store}.`,
          ),
      };
    }
    throw new LockstepError('INTERNAL', { message: 'The coordinator ended the call without an answer.' });
  });
}

/**
 * The key of that one file, found here: the identity stays on this machine, and what leaves it
 * opens nothing else.
 */
export async function openCopy(
  coordinator: Coordinator,
  snapshotId: string,
  { store = '', identity }: Pick<FetchOptions, 'store' | 'identity'>,
): Promise<{ store: string; fileKey: Uint8Array }> {
  const { copy, head } = await coordinator.call(
    OperatorServiceService.getCopyHead,
    { snapshotId, store },
    WAIT_MS.nodes,
  );
  if (copy === undefined) throw new LockstepError('INTERNAL', { message: 'The coordinator named no copy.' });
  if (copy.encoding !== Encoding.ENCODING_ZSTD_AGE) return { store: copy.store, fileKey: new Uint8Array() };
  if (identity === undefined) {
    throw new LockstepError('COPY_KEY_NEEDED', {
      message: `The copy in ${copy.store} is encrypted to ${copy.recipients.join(', ')}.`,
    });
  }
  // A head of another file would give that file's key away.
  if (copy.snapshotId !== snapshotId || sha256Hex(head) !== copy.headSha256) {
    throw new LockstepError('COPY_DAMAGED', {
      node: copy.store,
      message: `The head of the copy in ${copy.store} is not the one that was stored.`,
    });
  }
  const { fileKeyOf, readIdentities } = await import('../identity-file.ts');
  const fileKey = await fileKeyOf(head, await readIdentities(identity), copy.recipients);
  return { store: copy.store, fileKey };
}

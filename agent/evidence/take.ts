import type { Budget } from './budget.ts';
import type { HostName, HostTree, Seen } from './host-tree.ts';
import { type Item, unseen, untaken } from './item.ts';

export interface TakeOptions {
  readonly tree: HostTree;
  readonly budget: Budget;
  readonly signal: AbortSignal;
  /** Of a plain file, by its path: whether its bytes are wanted. */
  readonly wants?: (path: HostName) => boolean;
}

/** No tree that is of interest is deeper. */
const MAX_DEPTH = 12;

const WHY_NOT: Partial<Record<Seen['kind'], string>> = {
  'symbolic-link': 'a symbolic link is recorded and not followed',
  fifo: 'a pipe is recorded and never opened',
  socket: 'a socket is recorded and never opened',
  'character-device': 'a device is recorded and never opened',
  'block-device': 'a device is recorded and never opened',
  unknown: 'it is neither file nor directory',
};

/** Everything at and below a path, directories in the order of their names. Nothing where nothing is there. */
export async function* takeTree(options: TakeOptions, path: HostName, depth = 0): AsyncGenerator<Item> {
  const { tree, budget, signal } = options;
  signal.throwIfAborted();
  let seen: Seen | undefined;
  try {
    seen = await tree.look(path);
  } catch (thrown) {
    yield unseen(path, reasonOf(thrown));
    return;
  }
  if (seen === undefined) return;
  await using held = seen;
  // A link on the way to it: what would have been behind it was not looked for.
  if (held.path !== path && held.kind === 'symbolic-link') {
    yield untaken(held, 'a symbolic link on the way is recorded and not followed');
    return;
  }
  if (held.kind === 'file') {
    yield* takeSeen(options, held);
    return;
  }
  if (held.kind !== 'directory') {
    yield untaken(held, WHY_NOT[held.kind] ?? 'it is no plain file');
    return;
  }
  if (depth === MAX_DEPTH) {
    yield untaken(held, `it lies deeper than ${MAX_DEPTH} directories`, true);
    return;
  }
  let names: HostName[];
  try {
    names = await tree.names(held);
  } catch (thrown) {
    yield untaken(held, reasonOf(thrown));
    return;
  }
  for (const name of names) {
    if (!budget.name()) {
      yield untaken(held, `more than ${budget.limits.maxNamesPerCollector} names were looked at`, true);
      return;
    }
    yield* takeTree(options, `${path === '/' ? '' : path}/${name}`, depth + 1);
  }
}

/** A plain file that is held open: all of it, or its end where a limit cuts it. */
export function* takeSeen({ budget, wants }: TakeOptions, seen: Seen): Generator<Item> {
  if (wants !== undefined && !wants(seen.path)) {
    yield untaken(seen, 'its content is not among what this collector takes');
    return;
  }
  const sizeBytes = Number(seen.stats.size);
  const had = budget.hasFiles;
  const granted = budget.grant(sizeBytes);
  if (!had)
    yield untaken(seen, `the collector has ${budget.limits.maxFilesPerCollector} files already`, true);
  else if (granted === 0 && sizeBytes > 0)
    yield untaken(seen, 'the limit on the size of all is reached', true);
  else {
    const leftOut = granted < sizeBytes ? `a limit keeps the last ${granted} of ${sizeBytes} bytes` : '';
    yield { is: 'file', seen, offsetBytes: sizeBytes - granted, sizeBytes: granted, leftOut };
  }
}

export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

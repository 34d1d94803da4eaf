import { readlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

interface Syncing {
  sync: (this: FileHandle) => Promise<void>;
}

/** Real paths that `run` had synced, in order: durability is seen nowhere else but in a loss of power. */
export async function syncedBy(run: () => Promise<unknown>): Promise<string[]> {
  const synced: string[] = [];
  await using handle = await open('/');
  const prototype = Object.getPrototypeOf(handle) as Syncing;
  const original = prototype.sync;
  prototype.sync = function sync(this: FileHandle): Promise<void> {
    synced.push(readlinkSync(`/proc/self/fd/${this.fd}`));
    return original.call(this);
  };
  try {
    await run();
  } finally {
    prototype.sync = original;
  }
  return synced;
}

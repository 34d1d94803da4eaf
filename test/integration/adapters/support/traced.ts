import { readlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

type Method = 'chmod' | 'writeFile' | 'sync';
type Methods = Record<Method, (this: FileHandle, ...given: unknown[]) => Promise<unknown>>;

/**
 * What `run` did to open files, in order, as "sync /real/path". `look` is called before each call
 * is made: what is on the disk at that moment is what the call can make durable.
 */
export async function tracedBy(
  run: () => Promise<unknown>,
  look: (call: string) => void = () => {},
): Promise<string[]> {
  const calls: string[] = [];
  await using handle = await open('/');
  const prototype = Object.getPrototypeOf(handle) as Methods;
  const originals: Methods = {
    chmod: prototype.chmod,
    writeFile: prototype.writeFile,
    sync: prototype.sync,
  };
  for (const method of ['chmod', 'writeFile', 'sync'] as const) {
    prototype[method] = function traced(this: FileHandle, ...given: unknown[]): Promise<unknown> {
      const call = `${method} ${readlinkSync(`/proc/self/fd/${this.fd}`)}`;
      look(call);
      calls.push(call);
      return originals[method].apply(this, given);
    };
  }
  try {
    await run();
  } finally {
    Object.assign(prototype, originals);
  }
  return calls;
}

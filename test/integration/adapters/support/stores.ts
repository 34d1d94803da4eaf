import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The shape of a store; its database holds `content`. */
export async function writeStore(path: string, content: string): Promise<void> {
  for (const directory of ['member/snap', 'member/wal']) {
    await mkdir(join(path, directory), { recursive: true, mode: 0o700 });
  }
  await writeFile(join(path, 'member/snap/db'), content, { mode: 0o600 });
  await writeFile(join(path, 'member/wal/0000000000000000-0000000000000000.wal'), 'log', { mode: 0o600 });
}

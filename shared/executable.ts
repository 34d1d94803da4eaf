import { access, constants, stat } from 'node:fs/promises';

/** Whether a file is there that this process may run; links are followed. */
export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

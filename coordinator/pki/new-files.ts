import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What became of the files that were asked for, by path. */
export interface FilesWritten {
  readonly created: readonly string[];
  /** Already there and left as they were. */
  readonly kept: readonly string[];
  /** Kept, though what was asked for now would read differently. */
  readonly differing: readonly string[];
}

/** Creates files that were not there and never touches one that was. */
export class NewFiles {
  readonly #created: string[] = [];
  readonly #kept: string[] = [];
  readonly #differing: string[] = [];

  get written(): FilesWritten {
    return { created: this.#created, kept: this.#kept, differing: this.#differing };
  }

  /** The file's content, made and written first where it was missing. */
  async ensure(path: string, mode: number, make: () => string | Promise<string>): Promise<string> {
    const present = await readIfPresent(path);
    if (present !== undefined) {
      this.#kept.push(path);
      return present;
    }
    const content = await make();
    await createSynced(path, content, mode);
    this.#created.push(path);
    return content;
  }

  /** As {@link ensure} for content that is known beforehand, noting where the kept file differs. */
  async ensureText(path: string, mode: number, content: string): Promise<void> {
    if ((await this.ensure(path, mode, () => content)) !== content) this.#differing.push(path);
  }
}

export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The name appears only once the bytes are on disk, and linking fails where the name exists: a
 * crash leaves no half a key, and no race replaces one.
 */
async function createSynced(path: string, content: string, mode: number): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const partial = join(directory, `.partial-${randomBytes(6).toString('hex')}`);
  const file = await open(partial, 'wx', mode);
  try {
    await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
    await link(partial, path);
  } finally {
    await file.close();
    await unlink(partial);
  }
  const parent = await open(directory, 'r');
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}

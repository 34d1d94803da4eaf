import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LockstepError } from '../errors/lockstep-error.ts';
import { GetRevocationsResponse } from '../generated/lockstep/v1/agent.ts';
import type { Revocation } from '../generated/lockstep/v1/snapshot.ts';
import { isSameList, unionOf } from './revocations.ts';

/** Whose word was withdrawn, as one program knows it. It only grows. */
export class RevocationFile {
  readonly #path: string;
  /** One after the other: two at once would each leave out what the other adds. */
  #adding: Promise<unknown> = Promise.resolve();

  /** `directory` is a real path; the file is `revocations.json` in it. */
  constructor(directory: string) {
    this.#path = join(directory, 'revocations.json');
  }

  /** Throws REVOCATIONS_UNREADABLE: a list that cannot be read is not an empty one. */
  async read(): Promise<Revocation[]> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw this.#unreadable(cause);
    }
    try {
      return GetRevocationsResponse.fromJSON(JSON.parse(text)).revocations;
    } catch (cause) {
      throw this.#unreadable(cause);
    }
  }

  /** The union of what was known and this; durable once it resolves. The caller has proven them. */
  add(revocations: readonly Revocation[]): Promise<Revocation[]> {
    const added = this.#adding.then(async () => {
      const known = await this.read();
      const union = unionOf(known, revocations);
      if (!isSameList(known, union)) await this.#write(union);
      return union;
    });
    this.#adding = added.catch(() => undefined);
    return added;
  }

  async #write(revocations: Revocation[]): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    const part = join(dirname(this.#path), '.revocations.json.part');
    {
      await using handle = await open(part, 'w', 0o600);
      const text = JSON.stringify(GetRevocationsResponse.toJSON({ revocations }), null, 2);
      await handle.writeFile(`${text}\n`);
      await handle.sync();
    }
    await rename(part, this.#path);
    await using directory = await open(dirname(this.#path), 'r');
    await directory.sync();
  }

  #unreadable(cause: unknown): LockstepError {
    return new LockstepError('REVOCATIONS_UNREADABLE', { message: `${this.#path} cannot be read.`, cause });
  }
}

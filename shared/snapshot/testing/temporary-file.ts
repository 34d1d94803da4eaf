import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/* For tests: files in a directory of their own, gone at the end of the block. */

export class TemporaryFiles implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'lockstep-store-'));
  #count = 0;

  write(bytes: Uint8Array): string {
    const path = join(this.directory, `${this.#count++}.db`);
    writeFileSync(path, bytes);
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

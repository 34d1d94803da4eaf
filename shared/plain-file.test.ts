import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LockstepError } from './errors/lockstep-error.ts';
import { openPlainFile } from './plain-file.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lockstep-plain-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const at = (name: string): string => join(directory, name);

/** The code and the words of a refusal. */
function refusalOf(path: string): string {
  try {
    closeSync(openPlainFile(path));
    return 'opened';
  } catch (thrown) {
    const { code, message } = thrown as LockstepError;
    return `${code}: ${message.replace(path, '')}`;
  }
}

describe('a plain file', () => {
  it('is opened, also through a link', () => {
    writeFileSync(at('file'), 'text');
    symlinkSync(at('file'), at('link'));
    for (const name of ['file', 'link']) {
      const fd = openPlainFile(at(name));
      expect(readFileSync(fd, 'utf8')).toBe('text');
      closeSync(fd);
    }
  });

  it('is told from what is none, without waiting for anybody', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    symlinkSync(at('circle'), at('circle'));
    await using server = createServer();
    await new Promise<void>((listening) => server.listen(at('socket'), listening));
    const told = [at('pipe'), directory, '/dev/null', at('socket'), at('circle'), at('nothing')].map(
      refusalOf,
    );
    expect(told).toEqual([
      'FILE_NOT_READABLE:  is a named pipe, no plain file.',
      'FILE_NOT_READABLE:  is a directory, no plain file.',
      'FILE_NOT_READABLE:  is a device, no plain file.',
      'FILE_NOT_READABLE:  is a socket, no plain file.',
      'FILE_NOT_READABLE:  is a symbolic link that leads back to itself.',
      'FILE_NOT_READABLE: There is no file .',
    ]);
    expect(refusalOf(at('file/below'))).toContain('is no directory');
  });
});

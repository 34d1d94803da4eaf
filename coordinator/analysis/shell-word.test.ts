import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { commandFor, shellWord } from './shell-word.ts';

describe('a word of a shell', () => {
  it.each([
    ['/registry/pods/team-01/web', '/registry/pods/team-01/web'],
    ['', "''"],
    ['my backup.db', "'my backup.db'"],
    ["it's", String.raw`'it'\''s'`],
    ['$(reboot)`x`', "'$(reboot)`x`'"],
    ["a\u001b[2J'b\\c\u009b", String.raw`$'a\x1b[2J\x27b\\c\xc2\x9b'`],
    ['gpj\u202e.exe\n', String.raw`$'gpj\xe2\x80\xae.exe\x0a'`],
  ])('%j is %s', (word, quoted) => {
    expect(shellWord(word)).toBe(quoted);
  });

  it('is for bash the text that it was', () => {
    const words = ['x\u001b[31mred\u001b]0;own\u0007\nline\u202e\u009b2J<a>"\'`\\', 'ä 漢字', "o'clock"];
    for (const word of words) {
      const said = execFileSync('bash', ['-c', `printf %s ${shellWord(word)}`], { encoding: 'utf8' });
      expect(said).toBe(word);
    }
  });

  it('stands in a command for the store that is meant, and for that alone', () => {
    expect(commandFor('lockstep inspect get FILE /registry/FILE', 'my $& store.db')).toBe(
      "lockstep inspect get 'my $& store.db' /registry/FILE",
    );
  });
});

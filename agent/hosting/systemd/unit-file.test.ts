import { describe, expect, test } from 'vitest';
import { expandWords, parseEnvironmentFile, parseServiceUnit, splitWords } from './unit-file.ts';

const DEBIAN = `[Unit]
Description=etcd - highly-available key value store
After=network.target

[Service]
Type=notify
User=etcd
Group=etcd
Environment=DAEMON_ARGS=
Environment="ETCD_NAME=etcd one" ETCD_DATA_DIR=/var/lib/etcd/default
EnvironmentFile=-/etc/default/%p
ExecStart=/usr/bin/etcd $DAEMON_ARGS
Restart=on-abnormal
`;

describe('a service', () => {
  test('as a package has it says its user, its environment and where more of it is', () => {
    expect(parseServiceUnit([DEBIAN.replace('%p', 'etcd')])).toEqual({
      execStart: ['/usr/bin/etcd', '$DAEMON_ARGS'],
      environment: new Map([
        ['DAEMON_ARGS', ''],
        ['ETCD_NAME', 'etcd one'],
        ['ETCD_DATA_DIR', '/var/lib/etcd/default'],
      ]),
      environmentFiles: [{ path: '/etc/default/etcd', optional: true }],
      user: 'etcd',
      group: 'etcd',
      unknowable: '',
    });
  });

  test('is changed by its drop-ins: an empty value empties a list', () => {
    const unit = parseServiceUnit([
      '[Service]\nExecStart=/usr/bin/etcd --name=a\nEnvironmentFile=/a\nUser=etcd\n',
      '[Service]\n# theirs\nExecStart=\nExecStart=-/opt/etcd \\\n  --name=b \\\n; a comment between\n  --data-dir="/var/lib/my etcd"\nEnvironmentFile=/b\n',
    ]);
    expect(unit.execStart).toEqual(['/opt/etcd', '--name=b', '--data-dir=/var/lib/my etcd']);
    expect(unit.environmentFiles.map(({ path }) => path)).toEqual(['/a', '/b']);
    expect(unit).toMatchObject({ user: 'etcd', group: '', unknowable: '' });
  });

  test.each([
    ['no command', '[Service]\nType=notify\n', 'no ExecStart'],
    ['two commands', '[Service]\nExecStart=/a\nExecStart=/b\n', 'several'],
    ['another name', '[Service]\nExecStart=@/usr/bin/etcd other --name=a\n', 'another name'],
    ['a specifier', '[Service]\nExecStart=/usr/bin/etcd --name=%H\n', 'specifiers'],
    ['a specifier in its environment', '[Service]\nEnvironment=ETCD_NAME=%i\nExecStart=/a\n', 'specifiers'],
    ['a specifier in a file’s name', DEBIAN, 'specifiers'],
  ])('with %s is not known', (_what, text, why) => {
    expect(parseServiceUnit([text]).unknowable).toContain(why);
  });

  test('may have a percent sign that is written twice', () => {
    expect(parseServiceUnit(['[Service]\nExecStart=/usr/bin/etcd --x=50%%\n']).unknowable).toBe('');
  });
});

describe('words', () => {
  test.each([
    [`a  b\tc`, ['a', 'b', 'c']],
    [`--a="x y" 'p q'r`, ['--a=x y', 'p qr']],
    [String.raw`a\ b "c\"d"`, ['a b', 'c"d']],
    ['', []],
  ])('of %j', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  test('have variables in them: alone as many words, in braces within one, what is not set as nothing', () => {
    const environment = new Map([
      ['ARGS', '--a=1 --b=2'],
      ['DIR', '/var/lib/etcd'],
    ]);
    expect(expandWords(['etcd', '$ARGS', '--data-dir=${DIR}/x', '$NONE', '$$HOME'], environment)).toEqual([
      'etcd',
      '--a=1',
      '--b=2',
      '--data-dir=/var/lib/etcd/x',
      '$HOME',
    ]);
  });
});

test('an environment file has names, values and quotes, and nothing is replaced in it', () => {
  const text = `# comment\nETCD_NAME="etcd 1"\n; other\n ETCD_DATA_DIR='/var/lib/etcd'\nETCD_LONG=a\\\nb\nnot a line\nETCD_X=$HOME\n`;
  expect(parseEnvironmentFile(text)).toEqual(
    new Map([
      ['ETCD_NAME', 'etcd 1'],
      ['ETCD_DATA_DIR', '/var/lib/etcd'],
      ['ETCD_LONG', 'ab'],
      ['ETCD_X', '$HOME'],
    ]),
  );
});

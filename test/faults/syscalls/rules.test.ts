import { describe, expect, it } from 'vitest';
import { acknowledgedAt, EXECUTOR_RULES, type Judged, judge, type Layout, type Rule } from './rules.ts';
import { parseTrace } from './trace.ts';

const layout: Layout = {
  root: '/n',
  ledger: '/n/s/ledger.db',
  manifests: '/n/m',
  parked: '/n/p',
  dataDir: '/n/lib/etcd',
  staging: '/n/lib/.lockstep',
  hold: '/n/s/kubelet.hold',
  unitDir: '/n/u',
  address: '127.1.0.1:7443',
};
const STORE = '/n/lib/.lockstep/r-1/store';
const EXISTING = ['/n/m/etcd.yaml', '/n/s/ledger.db', '/n/s/ledger.db-wal', '/n/lib/etcd', STORE];

function judged(lines: string, rules: readonly Rule[] = EXECUTOR_RULES): Judged {
  const text = lines
    .trim()
    .split('\n')
    .map((line) => `7  ${line.trim()}`)
    .join('\n');
  return judge(parseTrace(text), rules, layout, EXISTING);
}

const RECORD = 'pwrite64(22</n/s/ledger.db-wal>, "\\0\\0"..., 24, 96) = 24';
const RECORD_SYNC = 'fdatasync(22</n/s/ledger.db-wal>) = 0';
const ANSWER =
  'writev(30<TCP:[127.1.0.1:7443->127.1.0.100:41234]>, [{iov_base="\\27\\3", iov_len=2}], 1) = 2';
const DRAFT = `openat(AT_FDCWD</>, "/n/s/.kubelet.hold.lockstep-new", O_WRONLY|O_CREAT|O_TRUNC|O_NOFOLLOW|O_CLOEXEC, 0600) = 21</n/s/.kubelet.hold.lockstep-new>
  write(21</n/s/.kubelet.hold.lockstep-new>, "r-1\\n", 4) = 4`;
const DRAFT_SYNC = 'fsync(21</n/s/.kubelet.hold.lockstep-new>) = 0';
const NAMED = 'rename("/n/s/.kubelet.hold.lockstep-new", "/n/s/kubelet.hold") = 0';
const NAME_SYNC = 'fsync(21</n/s>) = 0';
const STOP =
  'execve("/n/usr/bin/systemctl", ["/n/usr/bin/systemctl", "--no-pager", "stop", "kubelet.service"], 0x7 /* 9 vars */) = 0';
const START = STOP.replace('"stop"', '"start"');
const OUT =
  'renameat2(AT_FDCWD</>, "/n/m/etcd.yaml", AT_FDCWD</>, "/n/p/r-1/etcd.yaml", RENAME_NOREPLACE) = 0';
const OUT_SYNC = 'fsync(21</n/p/r-1>) = 0\n fsync(21</n/m>) = 0';
const EXCHANGE = `renameat2(AT_FDCWD</>, "/n/lib/etcd", AT_FDCWD</>, "${STORE}", RENAME_EXCHANGE) = 0`;
const EXCHANGE_SYNC = 'fsync(21</n/lib>) = 0\n fsync(21</n/lib/.lockstep/r-1>) = 0';
const BACK =
  'renameat2(AT_FDCWD</>, "/n/p/r-1/etcd.yaml", AT_FDCWD</>, "/n/m/etcd.yaml", RENAME_NOREPLACE) = 0';
const BACK_SYNC = 'fsync(21</n/m>) = 0\n fsync(21</n/p/r-1>) = 0';

const SOUND = [
  DRAFT,
  DRAFT_SYNC,
  NAMED,
  NAME_SYNC,
  STOP,
  OUT,
  OUT_SYNC,
  EXCHANGE,
  EXCHANGE_SYNC,
  'unlink("/n/s/kubelet.hold") = 0',
  NAME_SYNC,
  START,
  BACK,
  BACK_SYNC,
  RECORD,
  RECORD_SYNC,
  ANSWER,
];

describe('the rules', () => {
  it('find nothing in a sound trace, and each is asked of it', () => {
    const { violations, asked } = judged(SOUND.join('\n'));
    expect(violations).toEqual([]);
    for (const [name, times] of asked) expect(times, name).toBeGreaterThan(0);
  });

  it.each([
    ['a draft that is named unsynced', DRAFT_SYNC, 'a file gets its name after its bytes are durable'],
    [
      'a hold whose name is not synced',
      `${NAME_SYNC}\n${STOP}`,
      'kubelet is stopped after the hold is durable',
    ],
    ['manifests out and not synced', OUT_SYNC, 'stores are exchanged after the manifests are out for good'],
    [
      'stores exchanged and not synced',
      EXCHANGE_SYNC,
      'etcd’s manifest returns after the stores’ names are durable',
    ],
    [
      'a hold lifted and not synced',
      `${NAME_SYNC}\n${START}`,
      'kubelet is started after the end of the hold is durable',
    ],
    [
      'a manifest back and not synced',
      BACK_SYNC,
      'a record is written after all that it speaks of is durable',
    ],
    ['a record that is not synced', RECORD_SYNC, 'an answer leaves after the ledger is durable'],
  ])('find %s', (_what, removed, rule) => {
    const [, kept] = removed.includes('\n') && removed.startsWith(NAME_SYNC) ? removed.split('\n') : [];
    const text = SOUND.join('\n').replace(removed, kept ?? 'getpid() = 7');
    expect(text).not.toBe(SOUND.join('\n'));
    expect(judged(text).violations.join('\n')).toContain(`: ${rule}: `);
  });

  it('find a manifest that is still in place when stores are exchanged', () => {
    const { violations } = judged(EXCHANGE);
    expect(violations).toEqual([
      'line 1: stores are exchanged after the manifests are out for good: /n/m/etcd.yaml is in place',
    ]);
  });

  it.each([
    ['bytes', `write(9<${STORE}/member/snap/db>, "x", 1) = 1`],
    ['a mode', `chmod("${STORE}/member/snap/db", 0600) = 0`],
    ['a length', `ftruncate(9<${STORE}/member/wal/0.wal>, 64) = 0`],
    ['a copy', `copy_file_range(8</x>, NULL, 9<${STORE}/member/snap/db>, NULL, 9, 0) = 9`],
    ['a name', `mkdirat(4<${STORE}>, "member", 0700) = 0`],
  ])('find %s of NEW loose when stores are exchanged', (_what, call) => {
    const { violations } = judged(`${OUT}\n${OUT_SYNC}\n${call}\n${EXCHANGE}`);
    expect(violations.join('\n')).toContain('stores are exchanged after all in them is durable: ');
  });

  it('follow what is loose to the name that it gets', () => {
    const call = `write(9<${STORE}/member/snap/db>, "x", 1) = 1`;
    const synced = (path: string): string =>
      `${OUT}\n${OUT_SYNC}\n${call}\n${EXCHANGE}\n${EXCHANGE_SYNC}\nfsync(9<${path}>) = 0\n${BACK}`;
    expect(judged(synced('/n/lib/etcd/member/snap/db')).violations).toHaveLength(1);
    expect(judged(synced(`${STORE}/member/snap/db`)).violations).toHaveLength(2);
  });
});

describe('a sync', () => {
  const marker = acknowledgedAt('/marker');
  const told = (lines: string): string[] => [
    ...judged(`${lines}\nwrite(3</marker>, "x", 1) = 1`, [marker]).violations,
  ];
  const WRITE = 'write(9</n/f>, "x", 1) = 1';

  it('holds what was written before it began', () => {
    expect(told(WRITE)).toHaveLength(1);
    expect(told(`${WRITE}\nfsync(9</n/f>) = 0`)).toEqual([]);
    expect(told(`fsync(9</n/f>) = 0\n${WRITE}`)).toHaveLength(1);
  });

  it('that failed, or of another file, holds nothing', () => {
    expect(told(`${WRITE}\nfsync(9</n/f>) = -1 EIO (Input/output error)`)).toHaveLength(1);
    expect(told(`${WRITE}\nfsync(9</n/g>) = 0`)).toHaveLength(1);
    expect(told(`${WRITE}\nsyncfs(3</n>) = 0`)).toEqual([]);
  });

  it('that another thread overtook holds what had ended when it began, once it has ended', () => {
    const both = (first: string, ...rest: string[]): string[] => {
      const lines = [first, ...rest, '7 write(3</marker>, "x", 1) = 1'].join('\n');
      return [...judge(parseTrace(lines), [marker], layout, EXISTING).violations];
    };
    const write = ['8 write(9</n/f>, "x", 1 <unfinished ...>', '8 <... write resumed>) = 1'] as const;
    const sync = ['9 fsync(9</n/f> <unfinished ...>', '9 <... fsync resumed>) = 0'] as const;
    expect(both(write[0], write[1], sync[0], sync[1])).toEqual([]);
    expect(both(write[0], sync[0], write[1], sync[1])).toHaveLength(1);
    expect(both(write[0], write[1], sync[0])).toHaveLength(1);
  });

  it('of a directory holds names, not what they name', () => {
    const made = 'openat(AT_FDCWD</>, "/n/d/f", O_WRONLY|O_CREAT|O_CLOEXEC, 0600) = 9</n/d/f>';
    expect(told(made)).toHaveLength(1);
    expect(told(`${made}\nfsync(4</n/d>) = 0`)).toEqual([]);
    expect(told(`${made}\nwrite(9</n/d/f>, "x", 1) = 1\nfsync(4</n/d>) = 0`)).toHaveLength(1);
    expect(told('mkdir("/n/d", 0700) = -1 EEXIST (File exists)')).toEqual([]);
  });

  it('is not needed below what was removed, only for its name', () => {
    const removed = 'unlinkat(4</n/d>, "f", 0) = 0\nrmdir("/n/d") = 0';
    expect(told(removed)).toEqual([
      'line 3: what was acknowledged was synced first: names in /n (d removed, line 2)',
    ]);
    expect(told(`${removed}\nfsync(4</n>) = 0`)).toEqual([]);
  });
});

describe('a trace', () => {
  it('is read with names that hold anything, and descriptors of files that are gone', () => {
    const [edge] = parseTrace('7  rename("/n/a \\"b\\", c", "/n/(d) <e>") = 0');
    expect(edge?.actions).toEqual([{ kind: 'rename', from: '/n/a "b", c', to: '/n/(d) <e>' }]);
    const [written] = parseTrace('7  pwrite64(22</n/f>(deleted), "\\0, \\"x", 4, 0) = 4');
    expect(written?.actions).toEqual([{ kind: 'write', path: '/n/f' }]);
  });

  it('has calls cut in two by other threads, whole or not', () => {
    const edges = parseTrace(
      '7  openat(AT_FDCWD</n>, "f", O_WRONLY|O_CREAT <unfinished ...>\n8  +++ exited with 0 +++\n7  <... openat resumed>, 0600) = 21</n/f>',
    );
    expect(edges.map(({ edge, line }) => [edge, line])).toEqual([
      ['begin', 1],
      ['end', 3],
    ]);
    expect(edges[0]?.actions).toEqual([{ kind: 'create', path: '/n/f' }]);
  });
});

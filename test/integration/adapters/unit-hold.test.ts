import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { HostFiles } from '@lockstep/agent/adapters/host-files.ts';
import { HostRoot } from '@lockstep/agent/adapters/host-root.ts';
import { Syscalls } from '@lockstep/agent/adapters/syscalls.ts';
import { dropInContent, UnitHold } from '@lockstep/agent/adapters/systemd.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { scratchDirectory } from './support/scratch.ts';

/**
 * A service manager of a few lines that writes down what it is asked, and what of the hold lay on
 * the disk just then: in what order a hold is made and lifted.
 */
const SYSTEMCTL = `#!/bin/sh
here="$(dirname "$0")"
hold=no; [ -e "$here/state/kubelet.hold" ] && hold=yes
condition=no; [ -e "$here/units/kubelet.service.d/99-lockstep-hold.conf" ] && condition=yes
[ "$1" = --no-pager ] && shift
[ "$1" = show ] || echo "$1 hold=$hold condition=$condition" >> "$here/asked"
case "$1" in
  show) cat "$here/shown"; exit ;;
  stop) [ -e "$here/unstoppable" ] || sed -i 's/^ActiveState=.*/ActiveState=inactive/; s/^MainPID=.*/MainPID=0/' "$here/shown" ;;
  start) [ -e "$here/slow" ] && sed -i 's/^ActiveState=.*/ActiveState=activating/' "$here/shown" && exit; [ -e "$here/unstartable" ] || sed -i 's/^ActiveState=.*/ActiveState=active/' "$here/shown" ;;
  kill) [ -e "$here/unkillable" ] && exit 1 ;;
  daemon-reload) [ -e "$here/forgetful" ] || sed -i 's|^DropInPaths=.*|DropInPaths=/host/units/kubelet.service.d/99-lockstep-hold.conf|; s/^NeedDaemonReload=.*/NeedDaemonReload=no/' "$here/shown" ;;
esac
`;
const RUNNING = 'ActiveState=active\nMainPID=7\nLoadState=loaded\nNeedDaemonReload=no\nDropInPaths=\n';
const HOLD_FILE = '/host/state/kubelet.hold';
const soon = (): AbortSignal => deadline(10_000);

let scratch: Awaited<ReturnType<typeof scratchDirectory>>;
let hold: UnitHold;
const at = (path: string): string => join(scratch.path, 'host', path);
const asked = async (): Promise<string[]> =>
  (await readFile(at('asked'), 'utf8').catch(() => '')).split('\n').filter(Boolean);
const shown = (change: Record<string, string>): Promise<void> => {
  const lines = RUNNING.split('\n').map((line) => {
    const [name = ''] = line.split('=');
    return change[name] === undefined ? line : `${name}=${change[name]}`;
  });
  return writeFile(at('shown'), lines.join('\n'));
};

beforeEach(async () => {
  scratch = await scratchDirectory();
  await mkdir(at('state'), { recursive: true });
  await mkdir(at('units'), { recursive: true });
  await writeFile(at('systemctl'), SYSTEMCTL);
  await chmod(at('systemctl'), 0o755);
  await shown({});
  const root = new HostRoot(scratch.path, [{ path: '/host', access: 'write' }]);
  hold = new UnitHold(
    { systemctl: '/host/systemctl', unitDir: '/host/units', unit: 'kubelet.service', holdFile: HOLD_FILE },
    new HostFiles(root, new Syscalls()),
  );
});
afterEach(() => scratch[Symbol.asyncDispose]());

describe('a hold', () => {
  test('is on the disk before the unit is stopped, and the condition before it is loaded', async () => {
    await hold.hold('op-1', soon());
    expect(await asked()).toEqual([
      'stop hold=yes condition=no',
      'daemon-reload hold=yes condition=yes',
      'stop hold=yes condition=yes',
    ]);
    expect(await hold.observe('op-1', soon())).toMatchObject({ held: true, marked: true });
    expect(await hold.observe('op-2', soon())).toMatchObject({ held: false, marked: true });
  });

  test('is marked, and the condition loaded, while the unit runs on', async () => {
    await hold.mark('op-1', soon());
    expect(await asked()).toEqual(['daemon-reload hold=yes condition=yes']);
    expect(await hold.observe('op-1', soon())).toMatchObject({
      held: true,
      state: { activeState: 'active', mainPid: 7 },
    });
  });

  test('is made on a full disk, in room that is given for it', async () => {
    let portions = 0;
    let keptPortions = 3;
    const root = new HostRoot(scratch.path, [{ path: '/host', access: 'write' }]);
    const files = new HostFiles(root, new Syscalls(), () => (portions += 1) <= keptPortions);
    const write = files.write.bind(files);
    let neededPortions = 0;
    let tries = 0;
    /** Fails for as long as it may: whoever tries for ever gets through in the end, and is found out. */
    const failing = async (error: Error): Promise<void> => {
      tries += 1;
      if (tries < 100) throw error;
    };
    files.write = async (...args) => {
      if (portions < neededPortions) return failing(new LockstepError('DISK_FULL', { message: 'full' }));
      return write(...args);
    };
    const made = new UnitHold(
      { systemctl: '/host/systemctl', unitDir: '/host/units', unit: 'kubelet.service', holdFile: HOLD_FILE },
      files,
    );
    await made.prepare(soon());
    neededPortions = 2;
    await made.hold('op-1', soon());
    expect(portions).toBe(2);
    // Neither more than there is, nor for ever.
    neededPortions = 9;
    await expect(made.hold('op-1', soon())).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(portions).toBe(4);
    // One file never takes all of it: the rest is the ledger's.
    [portions, keptPortions, neededPortions] = [0, 100, 50];
    await expect(made.hold('op-1', soon())).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(portions).toBe(4);
    // Anything else that fails is no reason to give room.
    portions = 0;
    files.write = () => failing(new LockstepError('SYNC_FAILED', { message: 'broken' }));
    await expect(made.hold('op-1', soon())).rejects.toMatchObject({ code: 'SYNC_FAILED' });
    files.write = () => failing(Object.assign(new Error('alike'), { code: 'DISK_FULL' }));
    await expect(made.hold('op-1', soon())).rejects.toThrow('alike');
    expect(portions).toBe(0);
  });

  test('that was prepared is made with one word', async () => {
    await hold.prepare(soon());
    await hold.prepare(soon());
    expect(await hold.observe('op-1', soon())).toMatchObject({ held: false, marked: false });
    await hold.hold('op-1', soon());
    expect(await asked()).toEqual(['daemon-reload hold=no condition=yes', 'stop hold=yes condition=yes']);
  });

  test('is prepared anew where the condition is not ours any more', async () => {
    await hold.prepare(soon());
    await writeFile(at('units/kubelet.service.d/99-lockstep-hold.conf'), '[Unit]\n');
    await hold.hold('op-1', soon());
    expect(await readFile(at('units/kubelet.service.d/99-lockstep-hold.conf'), 'utf8')).toBe(
      dropInContent(HOLD_FILE),
    );
  });

  test.each([
    ['is not loaded', { DropInPaths: '/other.conf' }],
    ['was changed since it was loaded', { NeedDaemonReload: 'yes' }],
  ])('does not hold whose condition %s', async (_what, change) => {
    await hold.hold('op-1', soon());
    await shown({ DropInPaths: '/host/units/kubelet.service.d/99-lockstep-hold.conf', ...change });
    expect(await hold.observe('op-1', soon())).toMatchObject({ held: false, marked: true });
  });

  test('is said to have failed where the condition does not show, or the unit does not stop', async () => {
    await writeFile(at('forgetful'), '');
    await expect(hold.prepare(soon())).rejects.toMatchObject({ code: 'KUBELET_HOLD_FAILED' });
    await rm(at('forgetful'));
    await writeFile(at('unstoppable'), '');
    await expect(hold.hold('op-1', soon())).rejects.toMatchObject({ code: 'KUBELET_HOLD_FAILED' });
  });

  test('is not taken for failed because of how the service manager’s own program fails', async () => {
    await writeFile(at('systemctl'), '#!/bin/sh\nexit 1\n');
    await expect(hold.hold('op-1', soon())).rejects.toMatchObject({ code: 'SERVICE_MANAGER_FAILED' });
    await rm(at('shown'));
    await writeFile(at('systemctl'), '#!/bin/sh\necho ActiveState=inactive\n');
    await expect(hold.state(soon())).rejects.toThrow('MainPID');
  });

  test('is lifted before the unit is started, and the unit waited for', async () => {
    await hold.hold('op-1', soon());
    await hold.release(soon());
    expect((await asked()).at(-1)).toBe('start hold=no condition=yes');
    expect(await hold.state(soon())).toMatchObject({ activeState: 'active' });
    await hold.hold('op-1', soon());
    await writeFile(at('unstartable'), '');
    await expect(hold.release(deadline(300))).rejects.toMatchObject({ code: 'SERVICE_MANAGER_FAILED' });
  });

  test('that cannot be lifted for the wall is refused in the wall’s own words', async () => {
    const barred = new UnitHold(
      {
        systemctl: '/usr/bin/systemctl',
        unitDir: '/host/units',
        unit: 'kubelet.service',
        holdFile: HOLD_FILE,
      },
      new HostFiles(new HostRoot(scratch.path, [{ path: '/host', access: 'write' }]), new Syscalls()),
    );
    await expect(barred.release(soon())).rejects.toMatchObject({ code: 'PATH_NOT_ALLOWED' });
  });
});

describe('a unit that is killed', () => {
  test('is stopped after that, so that nothing starts it again', async () => {
    await hold.kill(soon());
    expect(await asked()).toEqual(['kill hold=no condition=no', 'stop hold=no condition=no']);
  });

  test('and has no process left is stopped all the same', async () => {
    await writeFile(at('unkillable'), '');
    await hold.kill(soon());
    expect((await asked()).at(-1)).toBe('stop hold=no condition=no');
  });

  test('is not stopped for who gave up', async () => {
    await writeFile(at('unkillable'), '');
    await expect(hold.kill(AbortSignal.abort(new Error('given up')))).rejects.toThrow('given up');
    expect(await asked()).toEqual([]);
  });
});

describe('a unit that is to start soon', () => {
  test.each([
    ['is active', 'start'],
    ['is on its way', 'slow'],
  ])('%s once it was asked to, after the hold and earlier failures are gone', async (_how, file) => {
    await hold.mark('op-1', soon());
    await shown({ ActiveState: 'inactive', MainPID: '0' });
    await writeFile(at(file), '');
    await hold.startSoon(soon());
    expect((await asked()).slice(1)).toEqual([
      'reset-failed hold=no condition=yes',
      'start hold=no condition=yes',
    ]);
  });

  test('and does not is not waited for by who gave up', async () => {
    await shown({ ActiveState: 'inactive', MainPID: '0' });
    await writeFile(at('unstartable'), '');
    const controller = new AbortController();
    const starting = hold.startSoon(controller.signal);
    setTimeout(() => controller.abort(new Error('given up')), 300);
    await expect(starting).rejects.toThrow('given up');
  });
});

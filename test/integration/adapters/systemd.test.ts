import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { HostFiles } from '@lockstep/agent/adapters/host-files.ts';
import { HostRoot } from '@lockstep/agent/adapters/host-root.ts';
import { Syscalls } from '@lockstep/agent/adapters/syscalls.ts';
import { isStopped, UnitHold } from '@lockstep/agent/adapters/systemd.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { scratchDirectory } from './support/scratch.ts';
import { locateSystemd, SYSTEMCTL, SystemdContainer } from './support/systemd-container.ts';

const UNIT = 'kubelet.service';
/** As kubeadm's packages have it: enabled, and started again whatever ends it. */
const UNIT_FILE = `[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sleep infinity
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
`;
const OPERATION = 'op-1';
const tools = await locateSystemd();
const soon = (): AbortSignal => deadline(60_000);

describe.skipIf(tools === undefined)('a real systemd (skipped where there is none, or no root)', () => {
  let scratch: Awaited<ReturnType<typeof scratchDirectory>>;
  let host: SystemdContainer;
  let hold: UnitHold;

  beforeAll(async () => {
    if (tools === undefined) return;
    scratch = await scratchDirectory();
    host = await SystemdContainer.create(tools, scratch.path);
    const units = join(host.root, 'etc/systemd/system');
    await mkdir(join(units, 'multi-user.target.wants'), { recursive: true });
    await mkdir(join(host.root, 'var/lib/lockstep'));
    await writeFile(join(units, UNIT), UNIT_FILE);
    await symlink(`/etc/systemd/system/${UNIT}`, join(units, 'multi-user.target.wants', UNIT));
    const root = new HostRoot(host.root, [
      { path: '/var/lib/lockstep', access: 'write' },
      { path: `/etc/systemd/system/${UNIT}.d`, access: 'write' },
      { path: SYSTEMCTL, access: 'read' },
    ]);
    hold = new UnitHold(
      {
        systemctl: SYSTEMCTL,
        unitDir: '/etc/systemd/system',
        unit: UNIT,
        holdFile: '/var/lib/lockstep/kubelet.hold',
      },
      new HostFiles(root, new Syscalls()),
    );
    await host.boot();
  });

  afterAll(async () => {
    await host?.[Symbol.asyncDispose]();
    await scratch?.[Symbol.asyncDispose]();
  });

  test('is why a drop-in holds kubelet: mask does not take', async () => {
    expect(await host.systemctl('mask', UNIT)).toMatch(/already exists|Failed/u);
    expect((await hold.state(soon())).activeState).toBe('active');
  });

  test('loads the condition without touching what runs', async () => {
    const before = await hold.state(soon());
    const after = await hold.prepare(soon());
    expect(after.dropInPaths).toContain(hold.dropInPath);
    expect(after.mainPid).toBe(before.mainPid);
    expect((await hold.observe(OPERATION, soon())).held).toBe(false);
  });

  test('holds the unit, also against a start by hand', async () => {
    await hold.hold(OPERATION, soon());
    await host.systemctl('start', UNIT);
    const { held, state } = await hold.observe(OPERATION, soon());
    expect(held).toBe(true);
    expect(isStopped(state)).toBe(true);
  });

  test('holds it across a loss of power, enabled as it is', async () => {
    await host.powerOff();
    await host.boot();
    const { held, state } = await hold.observe(OPERATION, soon());
    expect(held).toBe(true);
    expect(isStopped(state)).toBe(true);
  });

  test('lets it go', async () => {
    await hold.release(soon());
    const { held, state } = await hold.observe(OPERATION, soon());
    expect(held).toBe(false);
    expect(state.activeState).toBe('active');
    await hold.release(soon());
  });

  test('does not take a changed unit for a loaded one', async () => {
    await hold.hold(OPERATION, soon());
    await writeFile(join(host.root, 'etc/systemd/system', UNIT), `${UNIT_FILE}# changed\n`);
    expect((await hold.observe(OPERATION, soon())).held).toBe(false);
    await hold.hold(OPERATION, soon());
    expect((await hold.observe(OPERATION, soon())).held).toBe(true);
  });
});

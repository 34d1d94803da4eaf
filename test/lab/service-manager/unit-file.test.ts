import { expect, it } from 'vitest';
import { parseUnit } from './unit-file.ts';

const defaults = { stopTimeoutMs: 90_000 };

const KUBELET = `
[Unit]
Description=kubelet

[Service]
ExecStart=/usr/bin/kubelet --old
Restart=always
RestartSec=10

[Install]
WantedBy=multi-user.target
`;

it('reads a service with systemd’s defaults', () => {
  const unit = parseUnit([KUBELET], defaults);
  expect(unit).toEqual({
    description: 'kubelet',
    conditions: [],
    execStart: ['/usr/bin/kubelet', '--old'],
    environment: {},
    environmentFiles: [],
    mapPaths: false,
    restart: 'always',
    restartMs: 10_000,
    stopTimeoutMs: 90_000,
    killMode: 'control-group',
    wantedBy: ['multi-user.target'],
  });
});

it('lets a drop-in reset and replace the command, and add variables and conditions', () => {
  const unit = parseUnit(
    [
      KUBELET,
      '[Service]\nEnvironment="A=1 2" B=3\nExecStart=\nExecStart=/usr/bin/kubelet "--config=a b" \\\n  --x\n',
      '[Unit]\nConditionPathExists=!/var/lib/lockstep/kubelet.hold\nConditionPathExists=/etc\n',
    ],
    defaults,
  );
  expect(unit.execStart).toEqual(['/usr/bin/kubelet', '--config=a b', '--x']);
  expect(unit.environment).toEqual({ A: '1 2', B: '3' });
  expect(unit.conditions).toEqual([
    { path: '/var/lib/lockstep/kubelet.hold', negated: true },
    { path: '/etc', negated: false },
  ]);
});

it('reads durations with and without units', () => {
  expect(parseUnit(['[Service]\nRestartSec=500ms\nTimeoutStopSec=1min\n'], defaults)).toMatchObject({
    restartMs: 500,
    stopTimeoutMs: 60_000,
    restart: 'no',
  });
});

it('refuses a line that is no setting', () => {
  expect(() => parseUnit(['[Service]\nnonsense\n'], defaults)).toThrow('not a setting: nonsense');
});

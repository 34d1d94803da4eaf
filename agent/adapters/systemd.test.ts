import { expect, test } from 'vitest';

import { dropInContent, isStopped, parseUnitState } from './systemd.ts';

const SHOWN = `ActiveState=inactive
MainPID=0
LoadState=loaded
NeedDaemonReload=no
DropInPaths=/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf /etc/systemd/system/kubelet.service.d/99-lockstep-hold.conf
`;

test('what systemctl shows', () => {
  expect(parseUnitState(SHOWN)).toEqual({
    activeState: 'inactive',
    mainPid: 0,
    loadState: 'loaded',
    needDaemonReload: false,
    dropInPaths: [
      '/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf',
      '/etc/systemd/system/kubelet.service.d/99-lockstep-hold.conf',
    ],
  });
});

test.each(['ActiveState', 'MainPID', 'NeedDaemonReload'])(
  'what it does not say of %s is not guessed',
  (name) => {
    const silent = SHOWN.split('\n').filter((line) => !line.startsWith(name));
    expect(() => parseUnitState(silent.join('\n'))).toThrow(name);
  },
);

test.each([
  ['inactive', 0, true],
  ['failed', 0, true],
  ['failed', 12, false],
  ['deactivating', 0, false],
  ['activating', 0, false],
  ['active', 12, false],
])('%s with process %s is stopped: %s', (activeState, mainPid, stopped) => {
  expect(isStopped({ ...parseUnitState(SHOWN), activeState, mainPid })).toBe(stopped);
});

test('the condition names the file', () => {
  expect(dropInContent('/var/lib/lockstep/kubelet.hold')).toContain(
    '[Unit]\nConditionPathExists=!/var/lib/lockstep/kubelet.hold\n',
  );
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { groupMembers, tasksLeft } from './proof-of-unit.ts';

test.each([
  ['[not set]', undefined],
  ['18446744073709551615', undefined],
  ['0', undefined],
  ['3', 'systemd counts 3 tasks in its control group'],
])('systemd counts %s', (tasks, said) => {
  expect(tasksLeft(new Map([['TasksCurrent', tasks]]))).toBe(said);
});

test('a systemd that counts nothing says nothing', () => {
  expect(tasksLeft(new Map())).toBeUndefined();
});

test('the kernel lists who is in a control group; one that is gone has nobody', () => {
  const hierarchy = mkdtempSync(join(tmpdir(), 'cgroup-'));
  try {
    mkdirSync(join(hierarchy, 'system.slice/etcd.service'), { recursive: true });
    writeFileSync(join(hierarchy, 'system.slice/etcd.service/cgroup.procs'), '12\n34\n');
    expect(groupMembers('/system.slice/etcd.service', [hierarchy])).toEqual([12, 34]);
    expect(groupMembers('/system.slice/other.service', [hierarchy])).toEqual([]);
    // Without a name it would be everybody's.
    writeFileSync(join(hierarchy, 'cgroup.procs'), '1\n');
    expect(groupMembers('', [hierarchy])).toEqual([]);
    expect(groupMembers('/', [hierarchy])).toEqual([]);
    mkdirSync(join(hierarchy, 'system.slice/odd.service/cgroup.procs'), { recursive: true });
    expect(() => groupMembers('/system.slice/odd.service', [hierarchy])).toThrow(
      expect.objectContaining({ code: 'STOP_UNPROVEN' }),
    );
  } finally {
    rmSync(hierarchy, { recursive: true });
  }
});

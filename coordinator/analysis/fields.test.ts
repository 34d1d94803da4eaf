import { describe, expect, test } from 'vitest';
import { changedFields } from './fields.ts';
import { isNoise } from './noise.ts';

describe('changed fields', () => {
  test('are told by path, with what is on each side and nothing where it is not there', () => {
    const before = { spec: { replicas: 2, paused: true, same: [1, 2] }, 'a.b/c': 1 };
    const after = { spec: { replicas: 5, same: [1, 2], added: { deep: 1 } }, 'a.b/c': 2 };
    expect(changedFields(before, after)).toEqual([
      { path: 'spec.replicas', before: 2, after: 5 },
      { path: 'spec.added', after: { deep: 1 } },
      { path: 'spec.paused', before: true },
      { path: '["a.b/c"]', before: 1, after: 2 },
    ]);
  });

  test('tell the items of a list apart by name, wherever they stand', () => {
    const before = {
      containers: [
        { name: 'a', image: '1' },
        { name: 'b', image: '1' },
      ],
    };
    const after = {
      containers: [
        { name: 'c', image: '1' },
        { name: 'b', image: '1' },
        { name: 'a', image: '2' },
      ],
    };
    expect(changedFields(before, after)).toEqual([
      { path: 'containers[name=c]', after: { name: 'c', image: '1' } },
      { path: 'containers[name=a].image', before: '1', after: '2' },
    ]);
  });

  test('fall back to places where names are shared, and to the whole list for words', () => {
    expect(
      changedFields(
        {
          x: [
            { name: 'a', v: 1 },
            { name: 'a', v: 2 },
          ],
        },
        {
          x: [
            { name: 'a', v: 1 },
            { name: 'a', v: 3 },
          ],
        },
      ),
    ).toEqual([{ path: 'x[1].v', before: 2, after: 3 }]);
    expect(changedFields({ args: ['-v'] }, { args: ['-v', '-x'] })).toEqual([
      { path: 'args', before: ['-v'], after: ['-v', '-x'] },
    ]);
    expect(changedFields({ x: [{ a: 1 }] }, { x: [] })).toEqual([{ path: 'x[0]', before: { a: 1 } }]);
  });

  test('end at a depth that no real object has', () => {
    let before: object = { leaf: 1 };
    let after: object = { leaf: 2 };
    for (let depth = 0; depth < 500; depth++) [before, after] = [{ a: before }, { a: after }];
    expect(changedFields(before as never, after as never)).toHaveLength(1);
  });

  test('count the times of managers as noise, and a manager who comes or goes not', () => {
    const entry = (manager: string, time: string) => ({ manager, operation: 'Update', time, fieldsV1: {} });
    const of = (...managedFields: object[]) => ({ metadata: { managedFields, resourceVersion: '1' } });
    const changes = changedFields(
      of(entry('kubelet', '1')),
      of(entry('kubelet', '2'), entry('kubectl-edit', '3')),
    );
    expect(changes.map(({ path }) => path)).toEqual([
      'metadata.managedFields[kubelet Update].time',
      'metadata.managedFields[kubectl-edit Update]',
    ]);
    expect(changes.map((change) => isNoise('pods', change))).toEqual([true, false]);
  });
});

test.each([
  ['nodes', 'status.conditions[type=Ready].lastHeartbeatTime', true],
  ['nodes', 'status.conditions[type=Ready].status', false],
  ['leases.coordination.k8s.io', 'spec.renewTime', true],
  ['leases.coordination.k8s.io', 'spec.holderIdentity', false],
  ['masterleases', 'subsets[0].addresses', true],
  ['secrets', 'data.password', false],
  ['configmaps', 'spec.renewTime', false],
])('%s %s is noise: %s', (resource, path, noise) => {
  expect(isNoise(resource, { path })).toBe(noise);
});

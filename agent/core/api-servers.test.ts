import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { expect, it } from 'vitest';
import { apiServerAddresses } from './api-servers.ts';

it('names API servers as they register themselves, and nobody else', () => {
  const plan = RestorePlan.fromPartial({
    nodes: [
      {
        address: '10.0.0.1:7443',
        apiServerAddress: '10.1.0.1',
        manifests: [{ component: 'etcd' }, { component: 'kube-apiserver' }],
      },
      { address: '10.0.0.2:7443', manifests: [{ component: 'kube-apiserver' }] },
      { address: '[fd00::3]:7443', manifests: [{ component: 'kube-apiserver' }] },
      { address: '10.0.0.4:7443', manifests: [{ component: 'etcd' }] },
    ],
  });
  expect(apiServerAddresses(plan)).toStrictEqual(['10.1.0.1', '10.0.0.2', 'fd00::3']);
});

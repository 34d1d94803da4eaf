import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import { processesOfLab } from '../../lab/processes.ts';
import { until } from '../../lab/wait.ts';

const DROP_IN = '/etc/systemd/system/kubelet.service.d/99-lockstep-hold.conf';

interface Status {
  readonly Status: { readonly header: { readonly cluster_id: number; readonly member_id: number } };
}

it('forms a cluster of three under kubeadm’s flags, keeps a hold over a reboot, and leaves nothing behind', async () => {
  const startedMs = performance.now();
  const lab = await Lab.up({ nodes: 3, lockstep: false });
  try {
    expect(performance.now() - startedMs).toBeLessThan(40_000);
    for (const node of lab.nodes) {
      const [etcd] = node.containers('etcd');
      expect(etcd?.command).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/corrupt-?check=true/i),
          '--client-cert-auth=true',
          '--peer-client-cert-auth=true',
        ]),
      );
    }
    expect(await members(lab)).toEqual({ clusters: 1, members: 3 });
    const isRegistered = async (): Promise<boolean> =>
      (await lab.etcdctl('cp1', ['get', '/registry/minions/cp3', '--print-value-only'])).stdout.includes(
        'cp3',
      );
    await until('cp3 is registered', isRegistered, AbortSignal.timeout(20_000));

    const cp3 = lab.node('cp3');
    await cp3.writeFile(DROP_IN, '[Unit]\nConditionPathExists=!/var/lib/lockstep/kubelet.hold\n');
    await cp3.writeFile('/var/lib/lockstep/kubelet.hold', '');
    await cp3.reboot();
    await until('containerd is up', () => cp3.isActive('containerd'), AbortSignal.timeout(20_000));
    expect(await cp3.isActive('kubelet')).toBe(false);
    expect(cp3.containers()).toEqual([]);
    await rm(cp3.path('/var/lib/lockstep/kubelet.hold'));
    await cp3.start('kubelet');
    await cp3.waitApiReady(AbortSignal.timeout(60_000));
    expect(await members(lab)).toEqual({ clusters: 1, members: 3 });
  } finally {
    await lab.down();
  }
  expect(processesOfLab(lab.description.id)).toEqual([]);
  expect(existsSync(lab.directory)).toBe(false);
}, 120_000);

async function members(lab: Lab): Promise<{ clusters: number; members: number }> {
  const { stdout } = await lab.etcdctl('cp1', ['endpoint', 'status', '--cluster', '-w', 'json']);
  const headers = (JSON.parse(stdout) as Status[]).map(({ Status }) => Status.header);
  return {
    clusters: new Set(headers.map(({ cluster_id }) => cluster_id)).size,
    members: new Set(headers.map(({ member_id }) => member_id)).size,
  };
}

import { existsSync } from 'node:fs';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { expect, it } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import { processesOfLab } from '../../lab/processes.ts';

interface Status {
  readonly Status: { readonly header: { readonly cluster_id: number; readonly member_id: number } };
}

it('forms a cluster of three under kubeadm’s flags, survives a reboot, and leaves nothing behind', async () => {
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
    await waitFor(
      { describe: () => 'cp3 is registered', check: isRegistered },
      200,
      AbortSignal.timeout(20_000),
    );

    await lab.node('cp3').reboot();
    await lab.node('cp3').waitApiReady(AbortSignal.timeout(60_000));
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

import { compareLive } from '@lockstep/shared/snapshot/compare-live.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import { expect, it } from 'vitest';
import { locateAllEtcd } from '../../lab/tools/locate.ts';
import { Etcd } from './etcd.ts';

const [tools] = await locateAllEtcd();
const READ_TIMEOUT_MS = 30_000;

it('says what a restore does to a member that went on living', async () => {
  if (tools === undefined) throw new Error('no etcd was found');
  await using etcd = await Etcd.start(tools);
  const json = (fields: object) => JSON.stringify({ metadata: { uid: 'u' }, ...fields });
  const pod = json({ kind: 'Pod', spec: { nodeName: 'worker1' }, status: { phase: 'Running' } });
  await etcd.put('/registry/namespaces/default', json({}));
  await etcd.put('/registry/pods/default/kept', pod);
  await etcd.put('/registry/configmaps/default/edited', json({ data: { a: '1' } }));
  await etcd.put('/registry/clusterrolebindings/removed', json({}));
  await etcd.put('/registry/batch-of-nothing', 'x');
  const snapshotPath = await etcd.snapshot();
  await etcd.put('/registry/pods/default/miner', pod);
  await etcd.put('/registry/configmaps/default/edited', json({ data: { a: '2' } }));
  await etcd.delete('/registry/clusterrolebindings/removed');

  const signal = AbortSignal.timeout(READ_TIMEOUT_MS);
  const { registryPrefix } = await readSnapshotFacts(snapshotPath, { trailer: 'required' }, signal);
  const rows = await etcd.list(`${registryPrefix}/`);
  const consequences = await compareLive(
    {
      snapshotPath,
      registryPrefix,
      live: (async function* () {
        yield* rows;
      })(),
      getLive: async (key) => rows.find((row) => row.key.equals(key))?.value,
    },
    signal,
  );
  expect(consequences).toMatchObject({
    known: true,
    lost: [{ resource: 'pods', namespace: 'default', count: 1n }],
    changed: [{ resource: 'configmaps', namespace: 'default', count: 1n }],
    revived: [{ resource: 'clusterrolebindings', namespace: '', count: 1n }],
    podsKilled: ['default/miner on worker1'],
    accessRevived: ['clusterrolebindings removed'],
    lostExamples: ['/registry/pods/default/miner'],
  });
});

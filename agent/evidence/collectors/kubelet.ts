import { posix } from 'node:path';
import type { Collecting, Collector } from '../collector.ts';
import { accountOfKubeconfig, accountOfPem } from '../credentials.ts';
import type { HostName } from '../host-tree.ts';
import type { Item } from '../item.ts';
import { onHost, pathText } from '../record.ts';
import { reasonOf, takeTree } from '../take.ts';

const KUBERNETES = '/etc/kubernetes';
const MAX_KEY_FILE_BYTES = 1024 * 1024;

/** How kubelet is told to run; of kubeconfigs and certificates which they are, and no key. */
export const kubelet: Collector = {
  name: 'kubelet',
  about: 'kubelet’s configuration, fingerprints of kubeconfigs and of its certificates',
  when: 'always',
  async *collect(collecting) {
    const { sources, budget, signal } = collecting;
    const directory = posix.dirname(sources.kubeletConfigPath);
    const options = { tree: sources.tree, budget, signal };
    yield* takeTree(options, sources.kubeletConfigPath);
    yield* takeTree(options, posix.join(directory, 'kubeadm-flags.env'));
    yield* takeTree(options, '/etc/default/kubelet');
    const kubeconfigs = await accounts(collecting, KUBERNETES, accountOfKubeconfig, (path) =>
      path.endsWith('.conf'),
    );
    yield* kubeconfigs.untaken;
    yield { is: 'account', name: 'kubeconfigs.json', content: kubeconfigs.told };
    const pki = await accounts(collecting, posix.join(directory, 'pki'), accountOfPem);
    yield* pki.untaken;
    yield { is: 'account', name: 'certificates.json', content: pki.told };
  },
};

/** What may be told of the files in a directory that may hold keys; their bytes stay where they are. */
export async function accounts(
  { sources: { tree }, budget, signal }: Collecting,
  path: HostName,
  account: (text: string) => unknown,
  wants: (path: HostName) => boolean = () => true,
): Promise<{ told: object[]; untaken: Item[] }> {
  const told: object[] = [];
  const left: Item[] = [];
  for await (const item of takeTree({ tree, budget, signal, wants: () => false }, path)) {
    if (item.is !== 'untaken' || item.kind !== 'file' || item.seen === undefined) {
      if (item.is === 'untaken' && wants(item.path)) left.push(item);
      continue;
    }
    if (!wants(item.path)) continue;
    const { stats } = item.seen;
    const about = { ...pathText(item.path), ...onHost(stats), sizeBytes: Number(stats.size) };
    try {
      const text = await tree.readSmall(item.path, MAX_KEY_FILE_BYTES);
      if (text === undefined)
        told.push({ ...about, problem: 'it is too long, or changed while it was read' });
      else told.push({ ...about, holds: account(text.toString('utf8')) });
    } catch (thrown) {
      signal.throwIfAborted();
      told.push({ ...about, problem: reasonOf(thrown) });
    }
  }
  return { told, untaken: left };
}

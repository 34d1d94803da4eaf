import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Etcd } from '../integration/snapshot/etcd.ts';
import { locateAllEtcd } from '../lab/tools/locate.ts';
import { corpusDirectory } from './corpus.ts';

/*
 * Writes the corpus: a snapshot of a short life for each etcd that is installed, and one store as
 * it lies in a data directory. What is checked in was made by this; make it anew where a new
 * version of etcd writes something else.
 */

const COMMIT_MS = 300;

async function live(etcd: Etcd): Promise<void> {
  const lease = await etcd.grant(3600);
  for (let index = 0; index < 60; index++) {
    await etcd.put(`/registry/pods/ns${index % 3}/p${index % 40}`, `pod ${index} `.repeat(1 + (index % 9)));
  }
  await etcd.putAll([
    ['/registry/namespaces/default', 'ns'],
    ['/registry/configmaps/a/c', 'x'.repeat(6000)],
    ['/registry/secrets/a/s', 'k8s:enc:aescbc:v1:key1:0123456789abcdef'],
  ]);
  await etcd.put('/registry/events/a/e', 'event', lease);
  for (let index = 0; index < 10; index++) await etcd.delete(`/registry/pods/ns${index % 3}/p${index}`);
  await etcd.call('kv/compaction', { revision: '30', physical: true });
  // etcd commits every 100 ms: what is compacted lies in free pages only then.
  await new Promise((done) => setTimeout(done, COMMIT_MS));
  await etcd.put('/registry/pods/ns1/after', 'last');
  await new Promise((done) => setTimeout(done, COMMIT_MS));
}

await mkdir(corpusDirectory, { recursive: true });
for (const tools of await locateAllEtcd()) {
  await using etcd = await Etcd.start(tools);
  await live(etcd);
  const minor = tools.version.split('.').slice(0, 2).join('.');
  await copyFile(await etcd.snapshot(), join(corpusDirectory, `etcd-${minor}.db`));
  if (minor === '3.5') {
    await etcd.call('maintenance/defragment', {});
    await copyFile(await etcd.snapshot('defragmented.db'), join(corpusDirectory, 'etcd-3.5-defragmented.db'));
  }
}

import { createHash } from 'node:crypto';
import type { Collecting, ContentSubject } from './collector.ts';
import type { HostName } from './host-tree.ts';
import type { Item } from './item.ts';
import { onHost, pathText } from './record.ts';
import { reasonOf, takeTree } from './take.ts';

/** Longer files are named without a digest: none of these is. */
const MAX_DIGESTED_BYTES = 16 * 1024 * 1024;

/**
 * Every file below these paths by name, owner, mode, times and digest; its bytes too where the
 * agent's configuration allows that subject's. `words`: what else may be told of its text.
 */
export async function* takeDigests(
  collecting: Collecting,
  subject: ContentSubject,
  paths: readonly HostName[],
  words: (text: string) => object = () => ({}),
): AsyncGenerator<Item> {
  const { sources, budget, signal } = collecting;
  const { tree, contents } = sources;
  const told: object[] = [];
  const options = { tree, budget, signal, ...(contents.has(subject) ? {} : { wants: () => false }) };
  for (const path of paths) {
    for await (const item of takeTree(options, path)) {
      // Not taken as it is meant: its digest is below.
      const isNamed = item.is === 'untaken' && item.kind === 'file' && !item.limited;
      if (!isNamed) yield item;
      const seen = item.is === 'account' ? undefined : item.seen;
      if (seen === undefined || item.is === 'account') continue;
      const at = item.is === 'file' ? item.seen.path : item.path;
      const about = { ...pathText(at), ...onHost(seen.stats), sizeBytes: Number(seen.stats.size) };
      if (item.is === 'untaken' && item.kind !== 'file') {
        const target = seen.target === undefined ? {} : { target: pathText(seen.target).path };
        told.push({ ...about, kind: item.kind, ...target });
      } else {
        told.push({ ...about, ...(await digested(collecting, at, words)) });
      }
    }
  }
  yield { is: 'account', name: `${subject}.json`, content: told };
}

async function digested(
  { sources: { tree }, signal }: Collecting,
  path: HostName,
  words: (text: string) => object,
): Promise<object> {
  try {
    const bytes = await tree.readSmall(path, MAX_DIGESTED_BYTES);
    if (bytes === undefined) return { problem: 'it is too long, or changed while it was read' };
    return { sha256: createHash('sha256').update(bytes).digest('hex'), ...words(bytes.toString('utf8')) };
  } catch (thrown) {
    signal.throwIfAborted();
    return { problem: reasonOf(thrown) };
  }
}

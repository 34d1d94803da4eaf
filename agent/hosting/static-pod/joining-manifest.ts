import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { isMap, isScalar, isSeq, parseDocument, type YAMLSeq } from 'yaml';
import { lastValue, parseFlags } from '../flags.ts';
import { parseManifest } from './manifest.ts';

/** Flags that say how an empty store begins; over a store etcd ignores them all. */
const BEGINNING = ['--initial-cluster', '--initial-cluster-state', '--initial-cluster-token'];

/**
 * etcd's manifest as kubeadm writes it for a node that joins: over an empty store it joins these
 * members, and it never begins a cluster of its own. Everything else stays as it was, comments
 * too. Throws MANIFEST_UNPARSABLE where what comes out is not proven to say so.
 */
export function joiningManifest(text: string, initialCluster: string): string {
  const document = parseDocument(text);
  const containers = document.getIn(['spec', 'containers']);
  const words = isSeq(containers)
    ? containers.items.flatMap((container) => {
        const command = isMap(container) ? container.get('command') : undefined;
        return isSeq(command) && runsEtcdItself(command) ? [command] : [];
      })
    : [];
  const [command] = words;
  if (document.errors.length > 0 || command === undefined || words.length > 1) {
    throw unusable('it has not exactly one container whose command is etcd');
  }
  command.items = withoutBeginning(command.items);
  command.add(`--initial-cluster=${initialCluster}`);
  command.add('--initial-cluster-state=existing');
  const joining = document.toString({ lineWidth: 0 });
  const flags = parseFlags(parseManifest(joining)?.main?.words ?? []);
  if (
    lastValue(flags, 'initial-cluster-state') !== 'existing' ||
    lastValue(flags, 'initial-cluster') !== initialCluster
  ) {
    throw unusable('the flags to join do not hold in it');
  }
  return joining;
}

function runsEtcdItself(command: YAMLSeq): boolean {
  const first = textOf(command.items[0]);
  return first === 'etcd' || first.endsWith('/etcd');
}

/** Also where a flag and its value are two words. */
function withoutBeginning(items: readonly unknown[]): unknown[] {
  const kept: unknown[] = [];
  for (let index = 0; index < items.length; index += 1) {
    const text = textOf(items[index]);
    const flag = BEGINNING.find((name) => text === name || text.startsWith(`${name}=`));
    if (flag === undefined) kept.push(items[index]);
    else if (text === flag) index += 1;
  }
  return kept;
}

function textOf(item: unknown): string {
  return isScalar(item) && typeof item.value === 'string' ? item.value : '';
}

function unusable(why: string): LockstepError {
  return new LockstepError('MANIFEST_UNPARSABLE', {
    message: `etcd's manifest cannot be made to join: ${why}.`,
  });
}

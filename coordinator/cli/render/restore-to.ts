import type { SnapshotFacts } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { shellWord } from '../../analysis/shell-word.ts';
import type { AnalysisStore } from '../analysis-store.ts';
import type { EtcdTool } from '../etcd-tool.ts';
import { clean, fields, heading, type Layout, wrap } from './layout.ts';
import { bytes, count } from './units.ts';

/** What a person is shown. */
export interface RestoredTo extends AnalysisStore {
  readonly directory: string;
  readonly snapshot: string;
  readonly facts: SnapshotFacts;
  readonly tool: EtcdTool;
}

/** The directory that was made, and how to ask it. */
export function analysisStore(layout: Layout, made: RestoredTo): string[] {
  const { directory, snapshot, facts, tool, start, clientUrl } = made;
  const [program = 'etcd', ...flags] = start;
  return [
    heading(layout, `Restored to ${clean(layout, directory)}`),
    ...fields(layout, [
      ['Snapshot', snapshot],
      ['Revision', count(facts.status?.revision ?? 0n)],
      ['Size', bytes(facts.status?.totalSizeBytes ?? 0n)],
      ['Content', `${facts.contentSha256}, read again in what was made`],
      ['Tool', `${tool.path} ${tool.version}`],
    ]),
    '',
    heading(layout, 'Start an etcd of the same minor version on it'),
    // To be copied: never broken where it would not run any more.
    `  ${program} \\`,
    ...flags.map(
      (flag, at) => `    ${clean(layout, shellWord(flag))}${at === flags.length - 1 ? '' : ' \\'}`,
    ),
    '',
    heading(layout, 'Ask it'),
    `  ETCDCTL_API=3 etcdctl --endpoints=${clientUrl} \\`,
    '    get / --prefix --keys-only',
    '',
    ...wrap(
      layout,
      'It holds every secret that the snapshot holds, and answers every user of this machine on loopback. It is of a cluster of its own; the snapshot stays as it is.',
    ),
  ];
}

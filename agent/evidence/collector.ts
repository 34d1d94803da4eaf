import type { ContainerRuntime } from '../adapters/cri.ts';
import type { SocketOwners } from '../adapters/socket-owners.ts';
import type { Budget } from './budget.ts';
import type { HostTree } from './host-tree.ts';
import type { Item } from './item.ts';

/** The node as collectors see it. Host paths. */
export interface EvidenceSources {
  readonly node: string;
  readonly tree: HostTree;
  readonly runtime: Pick<ContainerRuntime, 'everything' | 'version'>;
  readonly sockets: Pick<SocketOwners, 'listeners' | 'ownersOf'>;
  readonly staticPodPath: string;
  readonly kubeletConfigPath: string;
  /** Where the member has its files, and whether it may be writing them; none on a node without one. */
  readonly member: (
    signal: AbortSignal,
  ) => Promise<{ readonly directories: readonly string[]; readonly running: boolean }>;
  /** The snapshots on this node: what an archive names instead of copying. */
  readonly snapshots: () => Promise<readonly unknown[]>;
  /** Whose bytes are taken, and not only their names and digests. */
  readonly contents: ReadonlySet<ContentSubject>;
}

export const CONTENT_SUBJECTS = ['ssh-keys', 'units', 'cron'] as const;
export type ContentSubject = (typeof CONTENT_SUBJECTS)[number];

export interface Collecting {
  readonly sources: EvidenceSources;
  readonly budget: Budget;
  readonly signal: AbortSignal;
}

/** One subject. It yields as it goes; what it throws ends it, and what it had yielded stays. */
export interface Collector {
  readonly name: string;
  /** For people: what it gathers. */
  readonly about: string;
  /** `always`: also before a restore, where little is taken; `asked`: by name alone. */
  readonly when: 'always' | 'by-default' | 'asked';
  readonly collect: (collecting: Collecting) => AsyncIterable<Item>;
}

import type { EvidenceManifest } from '@lockstep/shared/evidence-archive/manifest.ts';
import type { ObjectDiff } from '../diff/object-diff.ts';
import type { Finding } from '../findings/finding.ts';
import type { NodeAccounts } from './node-accounts.ts';
import type { OutsideStore } from './outside.ts';
import type { Rotation } from './rotation.ts';
import type { Timeline } from './timeline.ts';

/** A store that the report goes by. */
export interface StoreSource {
  /** As it was named. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly form: 'etcd' | 'kine';
  readonly revision: number;
  readonly compactRevision: number;
  readonly storageVersion: string;
  readonly members: readonly string[];
  /** The latest time that anything in it tells; undefined where nothing does. */
  readonly lastMs: number | undefined;
  readonly notes: readonly string[];
}

/** An archive of a node, and what was made of it. */
export interface ArchiveSource {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly manifest: EvidenceManifest;
  /** Who sealed it, where the seal was judged and holds. */
  readonly sealedBy: string;
  readonly sealJudged: boolean;
  /** Why it does not hold; empty where it does. */
  readonly problems: readonly string[];
  readonly accounts: NodeAccounts;
}

export interface Difference {
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly byResource: readonly {
    readonly resource: string;
    readonly added: number;
    readonly removed: number;
    readonly changed: number;
  }[];
  /** As many as are shown. */
  readonly objects: readonly ObjectDiff[];
  readonly notShown: number;
  /** Objects of which only bookkeeping differs. */
  readonly folded: number;
}

/** Everything that the page says; it is a function of this alone. */
export interface Report {
  readonly madeAtMs: number;
  readonly toolVersion: string;
  /** "prod"; empty where nothing says it. */
  readonly cluster: string;
  readonly store: StoreSource;
  readonly baseline: StoreSource | undefined;
  readonly archives: readonly ArchiveSource[];
  readonly timeline: Timeline;
  readonly findings: readonly Finding[];
  readonly difference: Difference | undefined;
  readonly rotations: readonly Rotation[];
  readonly outside: readonly OutsideStore[];
  /** What could not be read, and what the files cannot tell, in sentences. */
  readonly unread: readonly string[];
}

import { posix } from 'node:path';
import type { NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import type { Component } from '../ports.ts';
import { RETURN_ORDER } from './convergence.ts';

/** Every path of one operation on one node; host paths (docs/architecture.md, "On a node"). */
export interface OperationPaths {
  /** Plan, UNDO.txt, evidence. */
  readonly operationDir: string;
  readonly planFile: string;
  readonly undoFile: string;
  /** Our manifests while they are out; on the manifest directory's filesystem, never inside it. */
  readonly parkedDir: string;
  /** The operation's own directory on the store's filesystem. */
  readonly stagingDir: string;
  /** Where NEW is built: a whole data directory. */
  readonly newStore: string;
  /** The two directories that an exchange exchanges. */
  readonly inPlace: string;
  readonly other: string;
  /** The database of what bears the data directory's name, and of what does not. */
  readonly inPlaceDb: string;
  readonly otherDb: string;
}

const DB_IN_STORE = 'member/snap/db';
const DB_IN_MEMBER = 'snap/db';

/**
 * A data directory that is itself a mount point cannot be renamed: there NEW is staged inside the
 * mount, and `member/` is what is exchanged.
 */
export function operationPaths(plan: NodePlan, operationId: string, stateDir: string): OperationPaths {
  const dataDir = posix.normalize(plan.etcd?.dataDir ?? '').replace(/\/+$/, '');
  if (!posix.isAbsolute(dataDir)) throw new TypeError(`The plan of ${plan.node} names no data directory`);
  if (!isSafeName(operationId)) throw new TypeError(`Operation id ${operationId} is no file name`);
  const isMount = plan.etcd?.oldStore?.isMountPoint ?? false;
  const operationDir = posix.join(stateDir, 'operations', operationId);
  const stagingDir = posix.join(isMount ? dataDir : posix.dirname(dataDir), '.lockstep', operationId);
  const newStore = posix.join(stagingDir, 'store');
  const inPlace = isMount ? posix.join(dataDir, 'member') : dataDir;
  const other = isMount ? posix.join(newStore, 'member') : newStore;
  const db = isMount ? DB_IN_MEMBER : DB_IN_STORE;
  return {
    operationDir,
    planFile: posix.join(operationDir, 'plan.json'),
    undoFile: posix.join(operationDir, 'UNDO.txt'),
    parkedDir: posix.join(posix.dirname(posix.normalize(plan.staticPodPath)), 'lockstep', operationId),
    stagingDir,
    newStore,
    inPlace,
    other,
    inPlaceDb: posix.join(inPlace, db),
    otherDb: posix.join(other, db),
  };
}

/** Ids become directory names: one path element, nothing hidden, nothing that climbs. */
export function isSafeName(name: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/.test(name);
}

/** The components that this node's plan holds a manifest of, in the order of return. */
export function plannedComponents(plan: NodePlan): readonly Component[] {
  const found = new Set(plan.manifests.map((manifest) => manifest.component));
  return RETURN_ORDER.filter((component) => found.has(component));
}

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { runsKubelet } from '@lockstep/shared/plan/part.ts';
import type { Component } from '../ports.ts';
import { RETURN_ORDER } from './convergence.ts';
import { below, cleanPath, parentOf } from './host-path.ts';

/** Paths of one operation that every node has; host paths (docs/architecture.md, "On a node"). */
export interface NodePaths {
  /** Plan, UNDO.txt, evidence. */
  readonly operationDir: string;
  readonly planFile: string;
  readonly undoFile: string;
  /** Our manifests while they are out; on the manifest directory's filesystem, never inside it. */
  readonly parkedDir: string;
}

/** And those of a node with a member. */
export interface OperationPaths extends NodePaths {
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
  const dataDir = cleanPath(plan.etcd?.dataDir ?? '');
  const paths = nodePaths(plan, operationId, stateDir);
  const isMount = plan.etcd?.oldStore?.isMountPoint ?? false;
  const stagingDir = below(isMount ? dataDir : parentOf(dataDir), '.lockstep', operationId);
  const newStore = below(stagingDir, 'store');
  const inPlace = isMount ? below(dataDir, 'member') : dataDir;
  const other = isMount ? below(newStore, 'member') : newStore;
  const database = isMount ? DB_IN_MEMBER : DB_IN_STORE;
  return {
    ...paths,
    stagingDir,
    newStore,
    inPlace,
    other,
    inPlaceDb: below(inPlace, database),
    otherDb: below(other, database),
  };
}

export function nodePaths(plan: NodePlan, operationId: string, stateDir: string): NodePaths {
  if (!isSafeName(operationId)) {
    throw new LockstepError('PATH_NOT_ALLOWED', { message: `'${operationId}' is no name of an operation.` });
  }
  const operationDir = below(stateDir, 'operations', operationId);
  return {
    operationDir,
    planFile: below(operationDir, 'plan.json'),
    undoFile: below(operationDir, 'UNDO.txt'),
    // Without a kubelet there is no manifest to park, and no directory beside which to do it.
    parkedDir: runsKubelet(plan) ? parkedDirOf(plan, operationId) : below(operationDir, 'parked'),
  };
}

/** Where an operation parks this node's manifests. */
export function parkedDirOf(plan: NodePlan, operationId: string): string {
  if (!isSafeName(operationId)) {
    throw new LockstepError('PATH_NOT_ALLOWED', { message: `'${operationId}' is no name of an operation.` });
  }
  return below(parentOf(cleanPath(plan.staticPodPath)), 'lockstep', operationId);
}

/** Ids become directory names: one path element, nothing hidden, nothing that climbs. */
export function isSafeName(name: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/.test(name);
}

/** The components that this node runs by a manifest or a unit, in the order of return. */
export function plannedComponents(plan: NodePlan): readonly Component[] {
  const found = new Set(plan.manifests.map((manifest) => manifest.component));
  if (plan.etcdUnit !== '') found.add('etcd');
  return RETURN_ORDER.filter((component) => found.has(component));
}

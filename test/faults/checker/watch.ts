import { setTimeout as delay } from 'node:timers/promises';
import type { Baseline } from './baseline.ts';
import { inPlaceViolations, storeUserViolations } from './check.ts';
import { type CheckedLab, type CheckedNode, hostPaths } from './checked-lab.ts';
import { phasesOf, readLedger } from './ledgers.ts';
import { etcdPids, pidsWithArgument, storeUsers } from './processes.ts';
import { inodeOf } from './stores.ts';

const INTERVAL_MS = 60;

export interface NodeWatch {
  /** Ends the watching; what was seen that must never be, each thing once. */
  stop(): Promise<string[]>;
  /** From now on no member may run on OLD on these nodes. */
  forbidOld(nodes: readonly string[]): void;
  /** How often all nodes were looked at. */
  readonly looks: number;
}

/**
 * Looks at the nodes' directories and processes all the time that an operation takes. What it cannot
 * see in its intervals is for the trace of system calls to show.
 */
export function watchNodes(
  lab: CheckedLab,
  before: Baseline,
  options: { readonly intervalMs?: number } = {},
): NodeWatch {
  const seen = new Set<string>();
  let looks = 0;
  const over = new AbortController();
  const withoutOld = new Set<string>();
  const watching = (async () => {
    while (!over.signal.aborted) {
      for (const violation of look(lab, before, withoutOld)) seen.add(violation);
      looks += 1;
      await delay(options.intervalMs ?? INTERVAL_MS);
    }
  })();
  return {
    forbidOld(nodes) {
      for (const node of nodes) withoutOld.add(node);
    },
    get looks() {
      return looks;
    },
    async stop() {
      over.abort();
      await watching;
      return [...seen];
    },
  };
}

/** One look; what it finds is true whatever happened between its first and its last question. */
function look(lab: CheckedLab, before: Baseline, withoutOld: ReadonlySet<string>): string[] {
  const found: string[] = [];
  const pids = etcdPids();
  const quorum = Math.floor(lab.nodes.length / 2) + 1;
  const onOld: string[] = [];
  const onNew: string[] = [];
  for (const node of lab.nodes) {
    try {
      const of = (violation: string): string => `${node.name}: ${violation}`;
      found.push(...inPlaceViolations(node).map(of), ...storeUserViolations(node, pids).map(of));
      const old = before.nodes.get(node.name)?.store.database;
      for (const { database } of storeUsers(node.path('').replace(/\/$/, ''), pids)) {
        (database === old ? onOld : onNew).push(node.name);
      }
      if (servesNewUncommitted(lab, node, before)) {
        found.push(of('an API server runs on NEW before every agent has committed'));
      }
    } catch (error) {
      // A file that went between two questions; the next look sees what became of it.
      if (!isGone(error)) throw error;
    }
  }
  for (const name of onOld.filter((each) => withoutOld.has(each))) found.push(`${name}: OLD runs again`);
  if (onOld.length >= quorum && onNew.length >= quorum) {
    found.push(`OLD runs on ${onOld.join(', ')} while NEW runs on ${onNew.join(', ')}`);
  }
  return found;
}

function servesNewUncommitted(lab: CheckedLab, node: CheckedNode, before: Baseline): boolean {
  const old = before.nodes.get(node.name)?.store.directory;
  const isNew = (): boolean => {
    const inPlace = inodeOf(node.path(hostPaths.dataDir));
    return inPlace !== undefined && inPlace !== old;
  };
  // NEW before and after the process was seen: it is not one of OLD's that was just ending.
  if (!isNew() || pidsWithArgument(`--etcd-servers=https://${node.address}:2379`).length === 0 || !isNew())
    return false;
  // Asked last: a commit, once there, stays.
  return lab.nodes.some((each) => {
    const rows = readLedger(each);
    const operationId = rows.operations.at(-1);
    return operationId !== undefined && !phasesOf(rows, operationId).includes('committed');
  });
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

import { join } from 'node:path';
import type { Baseline } from './baseline.ts';
import { type CheckedLab, type CheckedNode, hostPaths, MANIFESTS, otherStore } from './checked-lab.ts';
import { valueInKeptStore } from './kept-store.ts';
import { fencedAtMs, fenceViolations, type LedgerRows, phasesOf, readLedger } from './ledgers.ts';
import { apiDefect, hashAt, memberNames, statusOf, valueOf } from './members.ts';
import { storeUsers } from './processes.ts';
import { inodeOf, namesIn, readStore, storeDefects } from './stores.ts';

export interface Expectation {
  /** What the operation ended with. `needs-operator`: only what holds even then is checked. */
  readonly outcome: 'restored' | 'rolled-back' | 'refused' | 'needs-operator';
  readonly operationId: string;
  /** `observeBaseline`, before the operation began. */
  readonly before: Baseline;
  /** A key whose value tells the snapshot from what was live when the operation began. */
  readonly content: { readonly key: string; readonly snapshot: string; readonly live: string };
  /** Nodes that are off or cut off: of them only what lies on their disks is checked. */
  readonly absent?: readonly string[];
  /** False: kept OLD is not started on a copy, which takes a second. */
  readonly serveKept?: boolean;
}

/** Every violation in words, with its node; none where everything is as it must be. */
export async function checkNodes(lab: CheckedLab, expectation: Expectation): Promise<string[]> {
  const found: string[] = [];
  for (const node of lab.nodes) {
    const onNode = await guarded('the checker', () => checkNode(lab, node, expectation));
    found.push(...onNode.map((violation) => `${node.name}: ${violation}`));
  }
  if (expectation.outcome !== 'needs-operator') {
    found.push(...(await guarded('the members', () => checkMembers(lab, expectation))));
  }
  return found;
}

async function checkNode(lab: CheckedLab, node: CheckedNode, expectation: Expectation): Promise<string[]> {
  const rows = readLedger(node);
  return [
    ...inPlaceViolations(node),
    ...storeUserViolations(node),
    ...fenceViolations(rows),
    ...(await oldViolations(lab, node, rows, expectation)),
    ...(expectation.absent?.includes(node.name) === true || expectation.outcome === 'needs-operator'
      ? []
      : [...halfStates(node, expectation), ...openRows(rows, expectation)]),
  ];
}

/** Exactly one complete data directory in place wherever a manifest would have it served. */
export function inPlaceViolations(node: CheckedNode): string[] {
  if (inodeOf(node.path(`${hostPaths.manifests}/etcd.yaml`)) === undefined) return [];
  return storeDefects(node.path(hostPaths.dataDir)).map((defect) => `etcd's manifest is live, and ${defect}`);
}

/** Two processes that write to one store. */
export function storeUserViolations(node: CheckedNode, pids?: readonly number[]): string[] {
  const users = new Map<string, number[]>();
  for (const { pid, database } of storeUsers(node.path('').replace(/\/$/, ''), pids)) {
    users.set(database, [...(users.get(database) ?? []), pid]);
  }
  return [...users]
    .filter(([, pids]) => pids.length > 1)
    .map(([database, pids]) => `processes ${pids.join(' and ')} write to one store, ${database}`);
}

/** OLD is somewhere, whole: in place, or kept and unwritten since the fence. */
async function oldViolations(
  lab: CheckedLab,
  node: CheckedNode,
  rows: LedgerRows,
  { before, outcome, operationId, content, absent = [], serveKept }: Expectation,
): Promise<string[]> {
  const old = before.nodes.get(node.name)?.store;
  if (old === undefined) return ['the baseline does not know this node'];
  const inPlace = readStore(node.path(hostPaths.dataDir));
  const keptPath = otherStore(node, operationId);
  const kept = readStore(keptPath);
  const isInPlace = inPlace?.directory === old.directory;
  const isKept = kept?.directory === old.directory;
  if (!isInPlace && !isKept) {
    return [`OLD (${old.directory}) is gone: in place ${inPlace?.directory}, kept ${kept?.directory}`];
  }
  const found: string[] = [];
  // One that is away has not heard how it ended.
  if (!absent.includes(node.name)) {
    if (outcome === 'restored' && !isKept) found.push('OLD is still in place after a restore');
    if ((outcome === 'rolled-back' || outcome === 'refused') && !isInPlace)
      found.push('OLD is not in place after a rollback');
  }
  const store = isInPlace ? inPlace : kept;
  if (store === undefined || store.database !== old.database)
    found.push(`OLD's database was ${old.database} and is ${store?.database}`);
  if (!isKept || kept === undefined) return found;
  found.push(...storeDefects(keptPath));
  const fencedMs = fencedAtMs(rows, operationId);
  if (fencedMs === undefined) return [...found, 'OLD was exchanged and no fence was completed'];
  for (const [name, { changedMs }] of kept.files) {
    if (changedMs > fencedMs)
      found.push(`OLD's ${name} was written ${changedMs - fencedMs} ms after the fence was complete`);
  }
  if (serveKept !== false) {
    const value = await valueInKeptStore(lab, keptPath, content.key).catch((error: unknown) => words(error));
    if (value !== content.live) found.push(`kept OLD says ${value}, and ${content.live} was live`);
  }
  return found;
}

/** What an operation may not leave behind. */
function halfStates(node: CheckedNode, { outcome, operationId, before }: Expectation): string[] {
  const found: string[] = [];
  const parkedDir = node.path(hostPaths.parked);
  for (const operation of namesIn(parkedDir)) {
    const parked = namesIn(join(parkedDir, operation));
    if (parked.length > 0) found.push(`still parked: ${parked.join(', ')}`);
  }
  const live = namesIn(node.path(hostPaths.manifests));
  for (const name of MANIFESTS) {
    const inode = inodeOf(node.path(`${hostPaths.manifests}/${name}`));
    const was = before.nodes.get(node.name)?.manifests.get(name);
    if (inode !== was) found.push(`manifest ${name} was inode ${was} and is ${inode ?? 'not there'}`);
  }
  const drafts = live.filter((name) => name.startsWith('.'));
  if (drafts.length > 0) found.push(`drafts among the manifests: ${drafts.join(', ')}`);
  if (inodeOf(node.path(hostPaths.hold)) !== undefined) found.push('kubelet is still held');
  const parts = namesIn(node.path(hostPaths.snapshots)).filter((name) => name.endsWith('.part'));
  if (parts.length > 0) found.push(`half snapshots: ${parts.join(', ')}`);
  const staging = inodeOf(node.path(`${hostPaths.staging}/${operationId}`));
  if (outcome !== 'restored' && staging !== undefined) found.push('a staging directory is left');
  return found;
}

function openRows(rows: LedgerRows, { outcome, operationId }: Expectation): string[] {
  const found = rows.operations
    .filter((id) => !phasesOf(rows, id).some((phase) => phase === 'undone' || phase === 'closed'))
    .map((id) => `operation ${id} is open in the ledger`);
  const phases = phasesOf(rows, operationId).join(', ');
  const wanted = outcome === 'restored' ? 'committed, closed' : 'undone';
  // One that was undone before an agent heard of it is not in that agent's ledger.
  const unknown = outcome !== 'restored' && !rows.operations.includes(operationId);
  if (phases !== wanted && !unknown) found.push(`the ledger says '${phases}' and not '${wanted}'`);
  return found;
}

async function checkMembers(lab: CheckedLab, expectation: Expectation): Promise<string[]> {
  const { outcome, before, content, absent = [] } = expectation;
  const nodes = lab.nodes.filter(({ name }) => !absent.includes(name));
  const found: string[] = [];
  const statuses = await Promise.all(nodes.map((node) => statusOf(lab, node)));
  const clusters = new Set(statuses.map(({ clusterId }) => clusterId));
  if (clusters.size !== 1) found.push(`the members are of clusters ${[...clusters].join(', ')}`);
  if ((outcome === 'restored') === clusters.has(before.clusterId)) {
    found.push(`the cluster's id is ${[...clusters].join(', ')}, OLD's is ${before.clusterId}`);
  }
  if (statuses.some(({ alarms }) => alarms)) found.push('a member has an alarm');
  const pinned = statuses
    .map(({ revision }) => revision)
    .reduce((least, next) => (next < least ? next : least));
  const hashes = await Promise.all(nodes.map((node) => hashAt(lab, node, pinned)));
  if (new Set(hashes).size !== 1) found.push(`hashes at ${pinned} differ: ${hashes.join(', ')}`);
  if (outcome !== 'restored') {
    const [first] = nodes;
    const was = `OLD's content at ${before.revision} was ${before.hash}`;
    const hash =
      first === undefined
        ? 'nobody’s to ask'
        : await hashAt(lab, first, before.revision).catch((error: unknown) => words(error));
    if (hash !== before.hash) found.push(`${was} and is ${hash}`);
  }
  const wanted = outcome === 'restored' ? content.snapshot : content.live;
  const planned = lab.nodes
    .map(({ name }) => name)
    .sort()
    .join();
  for (const node of nodes) {
    const value = await valueOf(lab, node, content.key);
    if (value !== wanted) found.push(`${node.name}: ${content.key} is '${value}', not '${wanted}'`);
    const members = (await memberNames(lab, node)).join();
    if (members !== planned) found.push(`${node.name}: the members are ${members}, not ${planned}`);
    const defect = await apiDefect(node);
    if (defect !== '') found.push(`${node.name}: the API server does not serve: ${defect}`);
  }
  return found;
}

/** A check that cannot be made is a violation, not the end of the others. */
async function guarded(what: string, body: () => Promise<string[]>): Promise<string[]> {
  try {
    return await body();
  } catch (error) {
    return [`${what} could not be asked: ${words(error)}`];
  }
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

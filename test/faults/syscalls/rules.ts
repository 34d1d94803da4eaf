import { Disk } from './disk.ts';
import type { Action, Edge } from './trace.ts';

/** Where things are for the program that was traced; real paths. */
export interface Layout {
  /** Of the node: what lies elsewhere is no part of any promise. */
  readonly root: string;
  readonly ledger: string;
  readonly manifests: string;
  readonly parked: string;
  readonly dataDir: string;
  /** `DIR/.lockstep` */
  readonly staging: string;
  readonly hold: string;
  readonly unitDir: string;
  /** The agent's own address, `127.1.0.1:7443`. */
  readonly address: string;
}

/** What must be durable before something may happen. */
export interface Rule {
  readonly name: string;
  readonly at: (action: Action, layout: Layout, disk: Disk) => boolean;
  /** In words, what is not as it must be right before it. */
  readonly missing: (action: Action, layout: Layout, disk: Disk) => readonly string[];
}

/**
 * Need not last: drafts on their way to a name, what SQLite rebuilds, a reserve that the next promise
 * fills again, and a lock that is on the descriptor and not in the file.
 */
const PASSING_NAME =
  / \((?:\.[^ ]+(?:\.lockstep-new|\.part)|[^ ]+\.json\.part|ledger\.db(?:-wal|-shm|-journal|\.reserve)|executor\.lock) (?:made|removed),/;
const PASSING_BYTES =
  /^bytes of .*\/(?:ledger\.db(?:-shm|-wal|-journal)?|\.[^/]+\.part|[^/]+\.json\.part|executor\.lock) \(/;

function loose(disk: Disk, root: string): string[] {
  return [
    ...disk.looseBytes(root).filter((each) => !PASSING_BYTES.test(each)),
    ...disk.looseNames(root).filter((each) => !PASSING_NAME.test(each)),
  ];
}

/** SQLite sets its log's owner each time that it opens it: to what it is. */
function looseRecords(disk: Disk, ledger: string): string[] {
  return disk.looseBytes(`${ledger}-wal`, ledger).filter((each) => each.includes('(written,'));
}

function runs(action: Action, ...words: readonly string[]): boolean {
  return action.kind === 'run' && words.every((word) => action.words.includes(word));
}

/** Every program that keeps promises on a disk. */
export const GENERAL_RULES: readonly Rule[] = [
  {
    name: 'a file gets its name after its bytes are durable',
    at: (action, { root }) => action.kind === 'rename' && action.from.startsWith(`${root}/`),
    missing: (action, _layout, disk) => (action.kind === 'rename' ? disk.looseBytes(action.from) : []),
  },
  {
    name: 'a record is written after all that it speaks of is durable',
    at: (action, { ledger }) => action.kind === 'write' && action.path === `${ledger}-wal`,
    missing: (_action, { root }, disk) => loose(disk, root),
  },
];

export const EXECUTOR_RULES: readonly Rule[] = [
  ...GENERAL_RULES,
  {
    name: 'an answer leaves after the ledger is durable',
    at: (action, { address }) => action.kind === 'send' && action.local === address,
    missing: (_action, { ledger }, disk) => looseRecords(disk, ledger),
  },
  {
    name: 'stores are exchanged after the manifests are out for good',
    at: (action) => action.kind === 'exchange',
    missing: (_action, { manifests, parked }, disk) => [
      ...(disk.exists(`${manifests}/etcd.yaml`) ? [`${manifests}/etcd.yaml is in place`] : []),
      ...disk.looseNames(manifests, parked),
    ],
  },
  {
    name: 'stores are exchanged after all in them is durable',
    at: (action) => action.kind === 'exchange',
    missing: (action, _layout, disk) =>
      action.kind === 'exchange'
        ? [
            ...disk.looseBytes(action.from, action.to),
            ...disk.looseNames(action.from, action.to, parentOf(action.from), parentOf(action.to)),
          ]
        : [],
  },
  {
    name: 'etcd’s manifest returns after the stores’ names are durable',
    at: (action, { manifests }) => action.kind === 'rename' && action.to === `${manifests}/etcd.yaml`,
    missing: (_action, { dataDir, staging }, disk) => [
      ...disk.looseNames(parentOf(dataDir), staging).filter((each) => !PASSING_NAME.test(each)),
      ...disk.looseBytes(dataDir, staging),
    ],
  },
  {
    name: 'kubelet is stopped after the hold is durable',
    at: (action) => runs(action, 'stop', 'kubelet.service'),
    missing: (_action, { hold, unitDir }, disk) => [
      ...(disk.exists(hold) ? [] : [`${hold} is not there`]),
      ...disk.looseBytes(hold, unitDir),
      ...disk.looseNames(unitDir),
      ...disk.looseNames(parentOf(hold)).filter((each) => each.includes('kubelet.hold')),
    ],
  },
  {
    name: 'kubelet is started after the end of the hold is durable',
    at: (action) => runs(action, 'start', 'kubelet.service'),
    missing: (_action, { hold }, disk) => [
      ...(disk.exists(hold) ? [`${hold} is there`] : []),
      ...disk.looseNames(parentOf(hold)).filter((each) => each.includes('kubelet.hold')),
    ],
  },
];

/** For programs that call one operation after another and write to a file once each has resolved. */
export function acknowledgedAt(marker: string): Rule {
  return {
    name: 'what was acknowledged was synced first',
    at: (action) => action.kind === 'write' && action.path === marker,
    missing: (_action, { root, ledger }, disk) => [...loose(disk, root), ...looseRecords(disk, ledger)],
  };
}

export interface Judged {
  /** How often each rule was asked; one that never was proves nothing. */
  readonly asked: ReadonlyMap<string, number>;
  /** `line 12: RULE: what is missing` */
  readonly violations: readonly string[];
}

/** Holds a trace against rules. `existing`: the paths that were there before it began. */
export function judge(
  edges: readonly Edge[],
  rules: readonly Rule[],
  layout: Layout,
  existing: Iterable<string>,
): Judged {
  const disk = new Disk(existing);
  const asked = new Map(rules.map(({ name }) => [name, 0]));
  const violations: string[] = [];
  for (const edge of edges) {
    if (edge.edge === 'begin') {
      for (const action of edge.actions) {
        for (const rule of rules) {
          if (!rule.at(action, layout, disk)) continue;
          asked.set(rule.name, (asked.get(rule.name) ?? 0) + 1);
          const missing = rule.missing(action, layout, disk);
          if (missing.length > 0) violations.push(`line ${edge.line}: ${rule.name}: ${missing.join('; ')}`);
        }
      }
    }
    disk.apply(edge);
  }
  return { asked, violations };
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

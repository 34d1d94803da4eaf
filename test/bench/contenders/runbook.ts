import type { Lab } from '../../lab/lab.ts';
import type { LabNode } from '../../lab/lab-node.ts';
import type { Contender, ContenderName } from '../contender.ts';
import {
  copySnapshot,
  pointManifestAt,
  putManifestsBack,
  removeStore,
  restoreSnapshot,
  takeManifestsOut,
  waitApiHealthy,
  waitContainersGone,
  waitMemberHealthy,
  waitMemberServesPeers,
} from './actions.ts';

export interface ScriptOptions {
  /** Taken once, before. */
  readonly snapshotPath: string;
}

const ETCD = 'etcd.yaml';

/** The classic runbook, action by action and node after node, with no pause between that a person would make. */
export function runbook({ snapshotPath }: ScriptOptions): Contender {
  const stores = new Stores();
  return {
    name: 'runbook',
    describe: 'the eight actions of the classic runbook, node after node, without a pause',
    async prepare() {},
    async run(lab, signal) {
      const dataDir = stores.next();
      for (const node of lab.nodes) await copySnapshot(node, snapshotPath);
      for (const node of lab.nodes) await restoreSnapshot(lab, node, dataDir);
      const files = new Map<LabNode, readonly string[]>();
      for (const node of lab.nodes) {
        files.set(node, await takeManifestsOut(node));
        await waitContainersGone(node, signal);
      }
      for (const node of lab.nodes) stores.replaced(node, await pointManifestAt(node, dataDir));
      for (const node of lab.nodes) await putManifestsBack(node, files.get(node) ?? []);
      for (const node of lab.nodes) await waitMemberHealthy(node, signal);
      for (const node of lab.nodes) await waitApiHealthy(node, signal);
    },
    tidy: (lab) => stores.tidy(lab),
  };
}

/** The same actions on all nodes side by side, the snapshot copied before, and restored, too. */
export function goodScript({ snapshotPath }: ScriptOptions): Contender {
  return script({
    name: 'good-script',
    describe: 'the same actions on all nodes side by side, the snapshot copied and restored before',
    snapshotPath,
    startMembers: (nodes) => onAll(nodes, (node) => putManifestsBack(node, [ETCD])),
  });
}

/**
 * The good script, written by someone who knows that kubeadm's corruption check makes members that start
 * side by side wait for each other: it starts them one after another.
 */
export function knowingScript({ snapshotPath }: ScriptOptions): Contender {
  return script({
    name: 'knowing-script',
    describe: 'the good script, told to start members one after another',
    snapshotPath,
    async startMembers(nodes, signal) {
      for (const node of nodes) {
        await putManifestsBack(node, [ETCD]);
        await waitMemberServesPeers(node, signal);
      }
    },
  });
}

function script(options: {
  readonly name: ContenderName;
  readonly describe: string;
  readonly snapshotPath: string;
  readonly startMembers: (nodes: readonly LabNode[], signal: AbortSignal) => Promise<unknown>;
}): Contender {
  const stores = new Stores();
  let dataDir = '';
  return {
    name: options.name,
    describe: options.describe,
    async prepare(lab) {
      const { nodes } = lab;
      dataDir = stores.next();
      await onAll(nodes, (node) => copySnapshot(node, options.snapshotPath));
      await onAll(nodes, (node) => restoreSnapshot(lab, node, dataDir));
    },
    async run({ nodes }, signal) {
      const [files = []] = await onAll(nodes, takeManifestsOut);
      await onAll(nodes, (node) => waitContainersGone(node, signal));
      await onAll(nodes, async (node) => stores.replaced(node, await pointManifestAt(node, dataDir)));
      const others = files.filter((file) => file !== ETCD);
      await Promise.all([
        onAll(nodes, (node) => putManifestsBack(node, others)),
        options.startMembers(nodes, signal),
      ]);
      await onAll(nodes, (node) => waitMemberHealthy(node, signal));
      await onAll(nodes, (node) => waitApiHealthy(node, signal));
    },
    tidy: (lab) => stores.tidy(lab),
  };
}

async function onAll<T>(nodes: readonly LabNode[], action: (node: LabNode) => Promise<T>): Promise<T[]> {
  return Promise.all(nodes.map(action));
}

/** Names for new stores, and which old ones may go: disks of a laptop are small. */
class Stores {
  private count = 0;
  private readonly old = new Map<string, string>();

  next(): string {
    this.count += 1;
    return `/var/lib/etcd-restored-${process.pid}-${performance.now().toFixed(0)}-${this.count}`;
  }

  replaced(node: LabNode, dataDir: string): void {
    this.old.set(node.name, dataDir);
  }

  async tidy(lab: Lab): Promise<void> {
    for (const node of lab.nodes) {
      const dataDir = this.old.get(node.name);
      if (dataDir !== undefined) await removeStore(node, dataDir);
    }
    this.old.clear();
  }
}

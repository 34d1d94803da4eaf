import { majorityOf } from '@lockstep/coordinator/core/quorum.ts';
import { NEW_REVISION, OLD_REVISION } from './plan.ts';
import type { Incarnation, WriteTally } from './view.ts';
import type { SimWorld } from './world.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Members of one incarnation, as one cluster. */
export interface Cluster {
  readonly incarnation: Incarnation;
  readonly majority: number;
  leader: boolean;
  electing: boolean;
  revision: bigint;
  readonly compactRevision: bigint;
  alarms: readonly string[];
  tally: Mutable<WriteTally> | undefined;
}

/** Who forms a quorum with whom, and what clients were told of their writes. */
export class Clusters {
  /** One for each incarnation that ever acknowledged a write. */
  readonly writes: WriteTally[] = [];
  readonly #clusters = new Map<Incarnation, Cluster>();
  readonly #world: SimWorld;
  #fresh = 0;

  constructor(world: SimWorld) {
    this.#world = world;
  }

  of(incarnation: Incarnation): Cluster {
    let cluster = this.#clusters.get(incarnation);
    if (cluster === undefined) {
      cluster = this.#newCluster(incarnation);
      this.#clusters.set(incarnation, cluster);
    }
    return cluster;
  }

  hasLeader(incarnation: Incarnation): boolean {
    return this.#clusters.get(incarnation)?.leader === true;
  }

  /** An empty directory under a live manifest becomes a cluster that never was. */
  freshIncarnation(): Incarnation {
    this.#fresh += 1;
    return `fresh-${this.#fresh}`;
  }

  /** A member came or went: leaders fall at once, and are elected in their time. */
  membersChanged(): void {
    const { nodes, scheduler, random } = this.#world;
    for (const { host } of nodes) for (const etcd of host.etcds) this.of(etcd.incarnation);
    for (const cluster of this.#clusters.values()) {
      if (this.#serving(cluster) < cluster.majority) cluster.leader = false;
      else if (!cluster.leader && !cluster.electing) {
        cluster.electing = true;
        scheduler.at(random.between(100, 600), undefined, 'host', 'election', -1, -1, () => {
          cluster.electing = false;
          if (this.#serving(cluster) >= cluster.majority) cluster.leader = true;
        });
      }
    }
  }

  /** A write that a client was told is safe. */
  acknowledge(incarnation: Incarnation, allCommitted: boolean): void {
    const cluster = this.of(incarnation);
    cluster.revision += 1n;
    if (cluster.tally === undefined) {
      cluster.tally = { incarnation, acknowledged: 0, beforeAllCommitted: 0 };
      this.writes.push(cluster.tally);
    }
    cluster.tally.acknowledged += 1;
    if (!allCommitted) cluster.tally.beforeAllCommitted += 1;
  }

  #serving({ incarnation }: Cluster): number {
    let serving = 0;
    for (const { host } of this.#world.nodes) {
      if (host.cutOff) continue;
      for (const etcd of host.etcds) if (etcd.serving && etcd.incarnation === incarnation) serving += 1;
    }
    return serving;
  }

  #newCluster(incarnation: Incarnation): Cluster {
    const { nodes, planned, plan } = this.#world;
    const members = { old: nodes.length, new: plan.nodes.length };
    const isNew = incarnation === 'new';
    return {
      incarnation,
      majority: incarnation === 'old' || isNew ? majorityOf(members[incarnation]) : 1,
      leader: false,
      electing: false,
      revision: isNew ? NEW_REVISION : incarnation === 'old' ? OLD_REVISION : 1n,
      compactRevision: isNew ? NEW_REVISION : 0n,
      alarms: isNew && planned.shape.alarm ? ['NOSPACE'] : [],
      tally: undefined,
    };
  }
}

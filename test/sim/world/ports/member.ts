import type { LocalMember, MemberObservation } from '@lockstep/agent/ports.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Etcd } from '../host.ts';
import type { AgentIo } from '../io.ts';
import { memberId, NEW_CLUSTER_ID, OLD_CLUSTER_ID } from '../plan.ts';
import type { Incarnation } from '../view.ts';
import type { SimWorld } from '../world.ts';

/** A member that does not answer keeps whoever asks waiting; it bounds how often is asked. */
const NO_ANSWER_MS = 2_500;

/** The member on this node over its own API. */
export class SimMember implements LocalMember {
  readonly #io: AgentIo;
  readonly #world: SimWorld;

  constructor(io: AgentIo) {
    this.#io = io;
    this.#world = io.node.world;
  }

  observe(signal: AbortSignal): Promise<MemberObservation> {
    return this.#ask('observe member', signal, ({ incarnation }) => {
      const cluster = this.#world.clusters.of(incarnation);
      const { plan } = this.#world;
      const { index } = this.#io.node;
      const all = plan.baseline?.members ?? [];
      const members = incarnation === 'new' ? all.slice(0, plan.nodes.length) : all;
      return {
        memberId: memberId(index),
        clusterId: clusterIdOf(incarnation),
        revision: cluster.revision,
        leader: index === plan.nodes.length - 1,
        learner: false,
        version: '3.5.16',
        dbSizeBytes: 1_000_000n,
        raftIndex: cluster.revision,
        members: incarnation === 'old' || incarnation === 'new' ? members : members.slice(index, index + 1),
        alarms: cluster.alarms,
      };
    });
  }

  hashKv(revision: bigint, signal: AbortSignal): Promise<{ hash: number; compactRevision: bigint }> {
    return this.#ask('hash', signal, ({ incarnation }) => {
      const { revision: head, compactRevision } = this.#world.clusters.of(incarnation);
      if (revision > head) {
        throw new LockstepError('ETCD_REFUSED', { message: 'mvcc: required revision is a future revision' });
      }
      return { hash: Number(revision % 1_000_003n), compactRevision };
    });
  }

  async writeCanary(_operationId: string, signal: AbortSignal): Promise<bigint> {
    const revision = await this.#ask('put canary', signal, ({ incarnation }) => this.#write(incarnation));
    await this.#ask('delete canary', signal, ({ incarnation }) => this.#write(incarnation));
    return revision;
  }

  async disarmAlarms(alarms: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#ask('disarm', signal, ({ incarnation }) => {
      const cluster = this.#world.clusters.of(incarnation);
      cluster.alarms = cluster.alarms.filter((alarm) => !alarms.includes(alarm));
    });
  }

  putCures(): never {
    throw new Error('nobody moves here');
  }

  dropStaleMasterLeases(_prefix: string, _keep: readonly string[], signal: AbortSignal): Promise<string[]> {
    return this.#ask('drop leases', signal, ({ incarnation }) => {
      this.#write(incarnation);
      return ['10.0.0.99'];
    });
  }

  addLearner(): never {
    throw new Error('nobody joins here');
  }

  promoteLearner(): never {
    throw new Error('nobody joins here');
  }

  removeLearner(): never {
    throw new Error('nobody joins here');
  }

  snapshot(): never {
    throw new Error('no step takes a snapshot');
  }

  listKeys(): never {
    throw new Error('no step lists keys');
  }

  getValue(): never {
    throw new Error('no step reads a value');
  }

  authEnabled(): Promise<boolean> {
    return Promise.resolve(false);
  }

  #write(incarnation: Incarnation): bigint {
    const cluster = this.#world.clusters.of(incarnation);
    cluster.revision += 1n;
    return cluster.revision;
  }

  #ask<T>(what: string, signal: AbortSignal, answer: (member: Etcd) => T): Promise<T> {
    signal.throwIfAborted();
    const { host } = this.#io.node;
    return this.#io
      .read(what, () => host.servingMember(), 15)
      .then((member) => {
        if (member !== undefined) return answer(member);
        return this.#io
          .read(`${what}: no answer`, () => undefined, NO_ANSWER_MS)
          .then(() => {
            signal.throwIfAborted();
            throw new LockstepError('ETCD_UNREACHABLE', { message: 'the member does not answer' });
          });
      });
  }
}

function clusterIdOf(incarnation: Incarnation): string {
  if (incarnation === 'old') return OLD_CLUSTER_ID;
  return incarnation === 'new' ? NEW_CLUSTER_ID : incarnation;
}

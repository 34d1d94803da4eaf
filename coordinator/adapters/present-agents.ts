import type { Clock } from '@lockstep/shared/clock.ts';
import type { NatsLink } from '@lockstep/shared/nats/connection.ts';
import { decodePresence, PRESENCE_EVERY_MS } from '@lockstep/shared/nats/presence.ts';
import { presenceSubject, subjectToken } from '@lockstep/shared/nats/subjects.ts';
import type { AgentAddress } from '../runner/ports.ts';

/** Silent for longer, an agent counts as gone. */
const PRESENT_FOR_MS = 10 * PRESENCE_EVERY_MS;
/** Nodes of one cluster; whatever says more is no cluster of ours. */
const MAX_NODES = 10_000;

/** Agents as they show themselves on NATS. While the link is down the last known stay known. */
export class PresentAgents {
  readonly #link: NatsLink;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #seen = new Map<string, { address: string; atMs: number }>();
  #backSinceMs = 0;

  constructor(link: NatsLink, cluster: string, clock: Pick<Clock, 'nowMs'>) {
    this.#link = link;
    this.#clock = clock;
    link.onChange((connected) => {
      if (connected) this.#backSinceMs = clock.nowMs();
    });
    link.subscribe(presenceSubject(cluster, '*'), (subject, data) => {
      const { node, address } = decodePresence(data);
      // NATS lets each agent publish on its own subject alone.
      if (!subject.endsWith(`.${subjectToken(node)}`)) throw new Error(`${subject} speaks for ${node}`);
      if (this.#seen.size >= MAX_NODES && !this.#seen.has(node)) return;
      this.#seen.set(node, { address, atMs: clock.nowMs() });
    });
  }

  known(): readonly AgentAddress[] {
    // After a silence of the link's own, agents get their time to be heard again.
    const nowMs = this.#clock.nowMs();
    const trusting = !this.#link.connected || nowMs - this.#backSinceMs < PRESENT_FOR_MS;
    return [...this.#seen]
      .filter(([, { atMs }]) => trusting || nowMs - atMs < PRESENT_FOR_MS)
      .map(([node, { address }]) => ({ node, address }));
  }
}

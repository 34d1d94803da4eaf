import { setTimeout as delay } from 'node:timers/promises';
import { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import type { NatsLink } from '@lockstep/shared/nats/connection.ts';
import { auditStream, eventsSubject, progressSubject } from '@lockstep/shared/nats/subjects.ts';
import type { Announcer } from '../runner/ports.ts';

/** Events that wait for NATS to come back; the oldest give way, the journal has them all. */
const MAX_WAITING = 5_000;
const RETRY_PAUSE_MS = 1_000;

/**
 * Publishes each event once to who listens and into the audit stream: the stream takes in the very
 * subject, and its message id makes a repetition harmless. Nobody waits for it.
 */
export class NatsAnnouncer implements Announcer {
  readonly #link: NatsLink;
  readonly #cluster: string;
  readonly #logger: Logger;
  readonly #waiting: OperationEvent[] = [];
  #sending: Promise<void> | undefined;
  #streamReady = false;
  #closed = false;

  constructor(link: NatsLink, cluster: string, logger: Logger) {
    this.#link = link;
    this.#cluster = cluster;
    this.#logger = logger;
    link.onChange((connected) => {
      if (connected) this.#wake();
    });
  }

  announce(event: OperationEvent): void {
    // Progress is for who listens now; the record has beginnings and ends.
    if (event.event?.$case === 'nodeProgress' && !event.event.value.done) {
      this.#link.publish(progressSubject(this.#cluster, event.operationId), encode(event));
      return;
    }
    if (this.#waiting.length >= MAX_WAITING) this.#waiting.shift();
    this.#waiting.push(event);
    this.#wake();
  }

  /** Gives what waits this long to be sent. */
  async close(timeoutMs: number): Promise<void> {
    if (this.#link.connected) {
      await Promise.race([this.#sending, delay(timeoutMs, undefined, { ref: false })]);
    }
    this.#closed = true;
  }

  #wake(): void {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0 && this.#link.connected && !this.#closed) {
      const [event] = this.#waiting;
      if (event === undefined) return;
      try {
        await this.#ensureStream();
        const id = `${event.operationId}-${event.sequence}`;
        await this.#link.record(eventsSubject(this.#cluster, event.operationId), encode(event), id);
        if (this.#waiting[0] === event) this.#waiting.shift();
      } catch (thrown) {
        this.#logger.warn({ err: thrown }, 'an event is not in the audit stream yet');
        await delay(RETRY_PAUSE_MS, undefined, { ref: false });
      }
    }
  }

  async #ensureStream(): Promise<void> {
    if (this.#streamReady) return;
    await this.#link.ensureStream({
      name: auditStream(this.#cluster),
      subjects: [eventsSubject(this.#cluster, '>')],
    });
    this.#streamReady = true;
  }
}

function encode(event: OperationEvent): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(OperationEvent.toJSON(event)));
}

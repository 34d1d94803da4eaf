import {
  connect,
  DiscardPolicy,
  Events,
  headers,
  type NatsConnection,
  RetentionPolicy,
  StorageType,
} from 'nats';
import { LockstepError } from '../errors/lockstep-error.ts';
import type { Logger } from '../logging.ts';
import type { TlsFiles } from '../tls/identity.ts';
import { natsTlsOptions } from '../tls/nats-server.ts';
import { SharedValue, type SharedValuePlace } from './shared-value.ts';

/** Between two attempts to reach a server, for as long as the link lives. */
const RECONNECT_PAUSE_MS = 1_000;
/** A server that does not answer this many pings in a row is gone. */
const PING_INTERVAL_MS = 5_000;
const MAX_PINGS_OUT = 2;
const CONNECT_TIMEOUT_MS = 5_000;
/** With `sync_interval: always` an acknowledgement waits for the disk of a majority. */
const ACK_TIMEOUT_MS = 5_000;
const STREAM_MAX_AGE_DAYS = 400;
const DEDUPLICATION_WINDOW_MS = 2 * 60 * 60_000;
const NANOSECONDS = 1_000_000;

export interface NatsSettings {
  /** "tls://HOST:PORT" with the identity's certificate; "nats://HOST:PORT" without. Not mixed. */
  readonly servers: readonly string[];
  readonly tls: TlsFiles;
  readonly name: string;
  /** Replies come to subjects below this one alone, so that nobody reads another's. */
  readonly inboxPrefix?: string;
  readonly logger: Logger;
}

export interface AuditStream {
  readonly name: string;
  readonly subjects: readonly string[];
}

/**
 * A link to NATS that outlives its connections: it connects in the background, for as long as it
 * takes, and again when it breaks. This module and the one of a shared value are all that knows
 * the npm package.
 */
export class NatsLink {
  readonly #settings: NatsSettings;
  readonly #subscriptions: { subject: string; receive: (subject: string, data: Uint8Array) => void }[] = [];
  readonly #listeners: ((connected: boolean) => void)[] = [];
  #connection: NatsConnection | undefined;
  #connected = false;
  #closed = false;

  constructor(settings: NatsSettings) {
    this.#settings = settings;
    void this.#connect();
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Called on each change, and once at once where the link is up already. */
  onChange(listener: (connected: boolean) => void): void {
    this.#listeners.push(listener);
    if (this.#connected) listener(true);
  }

  /** For as long as the link lives, across reconnections. What it throws is logged. */
  subscribe(subject: string, receive: (subject: string, data: Uint8Array) => void): void {
    const subscription = { subject, receive };
    this.#subscriptions.push(subscription);
    if (this.#connection !== undefined) this.#listen(this.#connection, subscription);
  }

  /** At most once: lost where nobody listens or the link is down. Never throws. */
  publish(subject: string, data: Uint8Array): void {
    if (!this.#connected) return;
    try {
      this.#connection?.publish(subject, data);
    } catch (thrown) {
      this.#settings.logger.debug({ err: thrown, subject }, 'a message was not published');
    }
  }

  /** Makes the stream, or brings it to these settings. Throws UNREACHABLE. */
  async ensureStream({ name, subjects }: AuditStream): Promise<void> {
    const connection = this.#required();
    try {
      const manager = await connection.jetstreamManager({ timeout: ACK_TIMEOUT_MS });
      const config = {
        name,
        subjects: [...subjects],
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
        // What is on record stays: a full stream refuses the new, and says so.
        discard: DiscardPolicy.New,
        deny_delete: true,
        max_age: STREAM_MAX_AGE_DAYS * 24 * 3_600_000 * NANOSECONDS,
        duplicate_window: DEDUPLICATION_WINDOW_MS * NANOSECONDS,
        num_replicas: this.#replicas(),
      };
      const known = await manager.streams.info(name).catch(() => undefined);
      if (known === undefined) await manager.streams.add(config);
    } catch (cause) {
      throw new LockstepError('UNREACHABLE', { message: `NATS did not take the stream ${name}.`, cause });
    }
  }

  /** Resolves when the stream has it, once for each id however often it is sent. Throws UNREACHABLE. */
  async record(subject: string, data: Uint8Array, messageId: string): Promise<void> {
    const connection = this.#required();
    try {
      const header = headers();
      header.set('Content-Type', 'application/json');
      await connection
        .jetstream({ timeout: ACK_TIMEOUT_MS })
        .publish(subject, data, { msgID: messageId, headers: header, timeout: ACK_TIMEOUT_MS });
    } catch (cause) {
      throw new LockstepError('UNREACHABLE', { message: `NATS did not acknowledge ${messageId}.`, cause });
    }
  }

  /** One value that several programs replace by turns. Throws UNREACHABLE while there is no connection. */
  sharedValue(place: SharedValuePlace): SharedValue {
    const replicas = this.#replicas();
    return new SharedValue(place, replicas, () => this.#required());
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connection?.close();
  }

  async #connect(): Promise<void> {
    const { servers, tls, name, inboxPrefix, logger } = this.#settings;
    const encrypted = servers.some((server) => server.startsWith('tls://'));
    try {
      const connection = await connect({
        servers: [...servers],
        name,
        waitOnFirstConnect: true,
        maxReconnectAttempts: -1,
        reconnectTimeWait: RECONNECT_PAUSE_MS,
        pingInterval: PING_INTERVAL_MS,
        maxPingOut: MAX_PINGS_OUT,
        timeout: CONNECT_TIMEOUT_MS,
        // Only what the configuration names is dialled, whatever a server says of others.
        ignoreClusterUpdates: true,
        // A server that takes no certificate from an address that asks for one is refused.
        tls: encrypted ? natsTlsOptions(tls) : null,
        // A rejected certificate may be a rotated one: try again with what lies there then.
        ignoreAuthErrorAbort: true,
        ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
      });
      if (this.#closed) {
        await connection.close();
        return;
      }
      this.#connection = connection;
      for (const subscription of this.#subscriptions) this.#listen(connection, subscription);
      this.#set(true);
      for await (const status of connection.status()) {
        if (status.type === Events.Disconnect) this.#set(false);
        else if (status.type === Events.Reconnect) this.#set(true);
        else if (status.type === Events.Error) {
          logger.warn({ detail: JSON.stringify(status.data) }, 'NATS reported an error');
        }
      }
    } catch (thrown) {
      if (!this.#closed) logger.error({ err: thrown, servers }, 'NATS cannot be used as configured');
    } finally {
      this.#set(false);
    }
  }

  #listen(
    connection: NatsConnection,
    { subject, receive }: { subject: string; receive: (subject: string, data: Uint8Array) => void },
  ): void {
    connection.subscribe(subject, {
      callback: (error, message) => {
        try {
          if (error !== null) throw error;
          receive(message.subject, message.data);
        } catch (thrown) {
          this.#settings.logger.warn({ err: thrown, subject }, 'a message could not be used');
        }
      },
    });
  }

  #set(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    for (const listener of this.#listeners) listener(connected);
  }

  #replicas(): number {
    return this.#settings.servers.length >= 3 ? 3 : 1;
  }

  #required(): NatsConnection {
    if (this.#connection === undefined || !this.#connected) {
      throw new LockstepError('UNREACHABLE', { message: 'There is no connection to NATS.' });
    }
    return this.#connection;
  }
}

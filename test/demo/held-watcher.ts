import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient, WatchEvent } from '../lab/api-server/client.ts';

const RETRY_MS = 250;

/**
 * A client that holds a watch, as controllers do: it lists once, watches from there, and after a broken
 * connection watches on from the last revision that it saw. Over a store that went back in time such a
 * client would wait for ever in silence, unless it is told that its revision is gone.
 */
export class HeldWatcher implements Disposable {
  /** The server's words when it refused to go on; undefined until then. */
  toldExpired: string | undefined;
  /** Of the last list or event. */
  revision = 0n;
  readonly server: string;
  private readonly api: ApiClient;
  private readonly path: string;
  private readonly ending = new AbortController();

  private constructor(api: ApiClient, path: string) {
    this.api = api;
    this.server = api.server;
    this.path = path;
  }

  /** Resolves once it watches from a list. `path` is a collection: `/api/v1/pods`. */
  static async hold(api: ApiClient, path: string, signal: AbortSignal): Promise<HeldWatcher> {
    const watcher = new HeldWatcher(api, path);
    const list = await api.json<{ metadata: { resourceVersion: string } }>(
      'GET',
      path,
      200,
      undefined,
      signal,
    );
    watcher.revision = BigInt(list.metadata.resourceVersion);
    void watcher.run();
    return watcher;
  }

  [Symbol.dispose](): void {
    this.ending.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.ending;
    while (!signal.aborted && this.toldExpired === undefined) {
      try {
        const query = `watch=1&resourceVersion=${this.revision}`;
        for await (const event of this.api.watch(`${this.path}?${query}`, signal)) this.observe(event);
      } catch {
        // The connection broke, or nobody listens: that is what it is here to sit out.
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private observe(event: WatchEvent): void {
    if (event.type === 'ERROR') {
      this.toldExpired = `${event.object.code ?? 0} ${event.object.reason ?? ''}: ${event.object.message ?? ''}`;
      return;
    }
    this.revision = BigInt(event.object.metadata.resourceVersion ?? this.revision);
  }
}

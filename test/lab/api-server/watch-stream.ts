import type { ServerResponse } from 'node:http';
import { type ApiObject, decodeObject } from './codec.ts';
import type { Selector } from './selectors.ts';
import { ApiError, toStatus } from './status.ts';
import type { Change, StoredObject, WatchCache } from './watch-cache.ts';

export interface WatchRequest {
  readonly prefix: string;
  /** The prefix is one object's whole key. */
  readonly single: boolean;
  /** 0n: begin with what is, as ADDED events. */
  readonly since: bigint;
  readonly selector: Selector;
  readonly bookmarks: boolean;
  /** 0: until either side ends it. */
  readonly timeoutMs: number;
}

type WatchEvent = { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'; object: unknown };

const BOOKMARK_INTERVAL_MS = 60_000;
/** A watcher that reads more slowly than this is cut off, as upstream does, and comes again. */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024;

/**
 * Answers one watch: JSON events, one a line. A refusal after the request was understood (a revision
 * too old) is an ERROR event with status 200, as upstream's. Returns when the watch has ended.
 */
export async function serveWatch(
  cache: WatchCache,
  request: WatchRequest,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
  response.flushHeaders();
  const send = (event: WatchEvent): void => {
    response.write(`${JSON.stringify(event)}\n`);
    if (response.writableLength > MAX_UNSENT_BYTES) end();
  };
  const covers = (key: string): boolean =>
    request.single ? key === request.prefix : key.startsWith(request.prefix);
  const deliver = (change: Change): void => {
    if (!covers(change.object.key)) return;
    const event = selected(change, request.selector);
    if (event !== undefined) send(event);
  };

  try {
    const subscription = cache.subscribe(request.since === 0n ? cache.revision : request.since, {
      onChange: deliver,
      onLost: end,
    });
    using cleanup = new DisposableStack();
    cleanup.defer(() => subscription.close());
    if (request.since === 0n) {
      for (const stored of present(cache, request)) {
        const object = decodeObject(stored);
        if (request.selector(object)) send({ type: 'ADDED', object });
      }
    }
    for (const change of subscription.backlog) deliver(change);
    if (request.bookmarks) {
      const timer = setInterval(
        () =>
          send({ type: 'BOOKMARK', object: { metadata: { resourceVersion: cache.revision.toString() } } }),
        BOOKMARK_INTERVAL_MS,
      );
      cleanup.defer(() => clearInterval(timer));
    }
    if (request.timeoutMs > 0) {
      const timer = setTimeout(end, request.timeoutMs);
      cleanup.defer(() => clearTimeout(timer));
    }
    response.on('close', end);
    signal.addEventListener('abort', () => end(), { once: true });
    if (signal.aborted) end();
    await ended;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    send({ type: 'ERROR', object: toStatus(error) });
  } finally {
    response.end();
  }
}

function present(cache: WatchCache, request: WatchRequest): readonly StoredObject[] {
  if (!request.single) return cache.list(request.prefix);
  const object = cache.get(request.prefix);
  return object === undefined ? [] : [object];
}

/** What the change is to someone who sees only selected objects: one that leaves the selection is deleted to them. */
function selected(change: Change, selector: Selector): WatchEvent | undefined {
  const object: ApiObject = decodeObject(change.object);
  const before = change.previous !== undefined && selector(decodeObject(change.previous));
  const after = change.type !== 'DELETED' && selector(object);
  if (before && after) return { type: 'MODIFIED', object };
  if (after) return { type: 'ADDED', object };
  if (before) return { type: 'DELETED', object };
  return undefined;
}

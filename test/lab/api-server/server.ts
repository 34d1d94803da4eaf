import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Api } from './api.ts';
import { parseRevision } from './api.ts';
import type { ApiObject } from './codec.ts';
import { parseResourcePath, type ResourcePath } from './resource.ts';
import { fieldSelector, labelSelector, type Selector } from './selectors.ts';
import { ApiError, toStatus } from './status.ts';
import type { WatchCache } from './watch-cache.ts';
import { serveWatch } from './watch-stream.ts';

export interface ServerOptions {
  readonly address: string;
  readonly port: number;
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile: string;
  readonly api: Api;
  readonly cache: WatchCache;
  /** The check behind /livez and /readyz: does etcd answer. */
  readonly etcdAnswers: () => Promise<boolean>;
  /** Ends the watches; the listener is closed by the caller. */
  readonly signal: AbortSignal;
}

const MAX_BODY_BYTES = 3 * 1024 * 1024;
const HEALTH_PATHS: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz']);
/** Far above what a lab holds; Node warns beyond ten. */
const MAX_WATCHES = 10_000;

/** Serves HTTPS on the address; resolves when it listens. */
export async function listen(options: ServerOptions): Promise<Server> {
  EventEmitter.setMaxListeners(MAX_WATCHES, options.signal);
  const server = createServer(
    {
      cert: readFileSync(options.certFile),
      key: readFileSync(options.keyFile),
      ca: readFileSync(options.clientCaFile),
      requestCert: true,
      rejectUnauthorized: false,
      keepAliveTimeout: 60_000,
    },
    (request, response) => {
      answer(options, request, response).catch((error: unknown) => refuse(response, error));
    },
  );
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(options.port, options.address, resolve);
  await promise;
  return server;
}

async function answer(
  options: ServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://api');
  if (HEALTH_PATHS.has(url.pathname)) return answerHealth(options, url, response);
  if (url.pathname === '/version')
    return sendJson(response, 200, { major: '1', minor: '34', gitVersion: 'v1.34.0' });
  if (!(request.socket as TLSSocket).authorized) throw new ApiError(401, 'Unauthorized', 'Unauthorized');

  const path = parseResourcePath(url.pathname);
  if (path === undefined)
    throw new ApiError(404, 'NotFound', 'the server could not find the requested resource');
  const { api } = options;
  switch (request.method) {
    case 'GET': {
      const watching = ['1', 'true'].includes(url.searchParams.get('watch') ?? '');
      if (watching) return answerWatch(options, path, url, response);
      if (path.name !== undefined) return sendJson(response, 200, await api.get(path));
      return sendJson(response, 200, await api.list(path, listOptions(url)));
    }
    case 'POST':
      return sendJson(response, 201, await api.create(path, await readObject(request)));
    case 'PUT':
      return sendJson(response, 200, await api.update(path, await readObject(request)));
    case 'PATCH':
      return sendJson(response, 200, await api.patch(path, await readJson(request)));
    case 'DELETE':
      request.resume();
      return sendJson(response, 200, await api.delete(path));
    default:
      throw new ApiError(405, 'MethodNotAllowed', `the server does not allow ${request.method ?? ''} here`);
  }
}

function listOptions(url: URL): Parameters<Api['list']>[1] {
  return {
    resourceVersion: url.searchParams.get('resourceVersion') ?? '',
    exact: url.searchParams.get('resourceVersionMatch') === 'Exact',
    selector: selectorOf(url),
  };
}

async function answerWatch(
  options: ServerOptions,
  path: ResourcePath,
  url: URL,
  response: ServerResponse,
): Promise<void> {
  const selector = selectorOf(url);
  const since = parseRevision(url.searchParams.get('resourceVersion') || '0');
  await serveWatch(
    options.cache,
    {
      ...options.api.watchScope(path),
      since,
      selector,
      bookmarks: ['1', 'true'].includes(url.searchParams.get('allowWatchBookmarks') ?? ''),
      timeoutMs: Number(url.searchParams.get('timeoutSeconds') ?? '0') * 1000,
    },
    response,
    options.signal,
  );
}

function selectorOf(url: URL): Selector {
  const fields = fieldSelector(url.searchParams.get('fieldSelector') ?? '');
  const labels = labelSelector(url.searchParams.get('labelSelector') ?? '');
  if (fields === undefined) throw new ApiError(400, 'BadRequest', 'field label not supported');
  if (labels === undefined) throw new ApiError(400, 'BadRequest', 'unable to parse the label selector');
  return (object) => fields(object) && labels(object);
}

async function answerHealth(options: ServerOptions, url: URL, response: ServerResponse): Promise<void> {
  const healthy = await options.etcdAnswers();
  const name = url.pathname.slice(1);
  const verbose = url.searchParams.has('verbose');
  const lines = ['[+]ping ok', healthy ? '[+]etcd ok' : '[-]etcd failed: reason withheld'];
  const verdict = healthy ? (verbose ? `${name} check passed` : 'ok') : `${name} check failed`;
  response.writeHead(healthy ? 200 : 500, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(healthy && !verbose ? verdict : `${[...lines, verdict].join('\n')}\n`);
}

async function readObject(request: IncomingMessage): Promise<ApiObject> {
  const body = (await readJson(request)) as Partial<ApiObject> | null;
  if (typeof body !== 'object' || body === null)
    throw new ApiError(400, 'BadRequest', 'the body is no object');
  return { ...body, metadata: body.metadata ?? {} };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_BODY_BYTES) throw new ApiError(413, 'RequestEntityTooLarge', 'the body is too large');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    throw new ApiError(400, 'BadRequest', 'the body is not JSON');
  }
}

function sendJson(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const refusal =
    error instanceof ApiError
      ? error
      : new ApiError(500, 'InternalError', error instanceof Error ? error.message : 'unknown');
  sendJson(response, refusal.code, toStatus(refusal));
}

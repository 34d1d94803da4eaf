import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { connect as connectSocket, isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { status } from '@grpc/grpc-js';
import type { EtcdEndpoint } from './channel.ts';
import { SnapshotFrames } from './snapshot-frames.ts';

/** etcdserverpb.Maintenance/Snapshot; its request is empty. */
const PATH = '/etcdserverpb.Maintenance/Snapshot';
const UNIX = 'unix:';
/** As the number that travels. */
const GRPC_OK: number = status.OK;
/** A frame that is not compressed, of no bytes. */
const EMPTY_REQUEST = Buffer.alloc(5);
/**
 * How far the member may be ahead of the disk. A smaller window makes the stream wait for
 * acknowledgements; a larger one only fills this process's memory.
 */
const WINDOW_BYTES = 8 * 1024 * 1024;

/** Handed to nobody yet: more, and the stream is left alone until that is taken. */
const MAX_HELD_BYTES = 1024 * 1024;

/** What a gRPC call ends with; as errors of grpc-js have it, so that both are told alike. */
export class GrpcStatus extends Error {
  readonly code: status;
  readonly details: string;

  constructor(code: status, details: string) {
    super(`${status[code] ?? code}: ${details}`);
    this.code = code;
    this.details = details;
  }
}

/**
 * The snapshot stream over HTTP/2 itself. Messages of 32 KiB cost grpc-js as much as the rest of a
 * save: here the bytes go from the wire to whoever writes them, as they are and without a copy.
 * A connection of its own: nothing else waits behind a gigabyte.
 */
export class SnapshotStream implements AsyncIterable<Uint8Array>, Disposable {
  /** The size that the first message promised, without the trailer; undefined before it came. */
  promisedBytes: bigint | undefined;
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  #status: { readonly code: number; readonly details: string } | undefined;
  #failure: unknown;

  constructor(endpoint: EtcdEndpoint) {
    const session = connect(endpoint.url.startsWith(UNIX) ? 'http://localhost' : endpoint.url, {
      ...connectionOptions(endpoint),
      settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
    });
    this.#session = session;
    session.once('connect', () => session.setLocalWindowSize(WINDOW_BYTES));
    session.on('error', (cause) => {
      this.#failure ??= cause;
    });
    this.#stream = session.request({
      ':method': 'POST',
      ':path': PATH,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    this.#stream.once('response', (headers) => this.#take(headers));
    this.#stream.once('trailers', (headers) => this.#take(headers));
    this.#stream.end(EMPTY_REQUEST);
  }

  /** Throws a GrpcStatus for whatever but a clean end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const frames = new SnapshotFrames();
    try {
      for await (const chunk of chunksOf(this.#stream)) {
        for (const piece of frames.take(chunk)) yield piece;
        this.promisedBytes ??= frames.promisedBytes;
      }
    } catch (thrown) {
      throw new GrpcStatus(status.UNAVAILABLE, textOf(this.#failure ?? thrown));
    }
    const ended = this.#status;
    if (ended === undefined) throw new GrpcStatus(status.UNAVAILABLE, textOf(this.#failure ?? 'cut off'));
    if (ended.code !== GRPC_OK) throw new GrpcStatus(ended.code, ended.details);
    if (!frames.isComplete) throw new GrpcStatus(status.UNAVAILABLE, 'ended within a message');
  }

  cancel(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#session.destroy();
  }

  [Symbol.dispose](): void {
    this.cancel();
  }

  /** The status comes with the trailers, or with the headers where there is nothing else. */
  #take(headers: Record<string, unknown>): void {
    const http = headers[':status'];
    const code = headers['grpc-status'];
    if (typeof code === 'string' && /^\d+$/.test(code)) {
      this.#status = { code: Number(code), details: decode(headers['grpc-message']) };
    } else if (http !== undefined && http !== 200) {
      this.#status = { code: status.UNAVAILABLE, details: `HTTP status ${Number(http)}` };
    }
  }
}

/**
 * What a stream brings, chunk by chunk as it came. Its own iterator joins those that have gathered
 * into a new buffer: every byte copied once more, and twice the memory to collect.
 */
async function* chunksOf(stream: ClientHttp2Stream): AsyncGenerator<Buffer, void, undefined> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let over: { readonly error: unknown } | undefined;
  let wake: () => void = () => undefined;
  const end = (error?: unknown): void => {
    over ??= { error };
    wake();
  };
  stream.on('data', (chunk: Buffer) => {
    held.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes >= MAX_HELD_BYTES) stream.pause();
    wake();
  });
  stream.once('end', () => end());
  stream.on('error', end);
  stream.once('close', () => end(stream.readableEnded ? undefined : new Error('cut off')));
  try {
    for (;;) {
      const chunks = held;
      [held, heldBytes] = [[], 0];
      stream.resume();
      yield* chunks;
      if (held.length > 0) continue;
      if (over !== undefined) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (over.error !== undefined) throw over.error;
  } finally {
    stream.destroy();
  }
}

function connectionOptions({ url, tls }: EtcdEndpoint): object {
  if (url.startsWith(UNIX)) return { createConnection: () => connectSocket(url.slice(UNIX.length)) };
  if (tls === undefined) return {};
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  return {
    ...tls,
    // An IP address is no server name (RFC 6066); what the certificate must name is the address all the same.
    ...(isIP(host) === 0 ? {} : { servername: '' }),
    checkServerIdentity: (_sent: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
      checkServerIdentity(host, certificate),
  };
}

function decode(message: unknown): string {
  if (typeof message !== 'string') return '';
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

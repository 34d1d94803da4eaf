import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';

export interface ClientFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Answer {
  readonly code: number;
  readonly body: string;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: {
    readonly metadata: { readonly name?: string; readonly resourceVersion?: string };
    readonly code?: number;
    readonly reason?: string;
    readonly message?: string;
  };
}

/** Speaks to one API server, as a client with a certificate of the cluster's CA or, without files, as nobody. */
export class ApiClient implements Disposable {
  readonly server: string;
  private readonly agent: Agent;

  /** `server` is an origin: `https://127.0.0.1:6443`. */
  constructor(server: string, files: ClientFiles | undefined) {
    this.server = server;
    this.agent =
      files === undefined
        ? new Agent({ rejectUnauthorized: false })
        : new Agent({
            keepAlive: true,
            ca: readFileSync(files.caFile),
            cert: readFileSync(files.certFile),
            key: readFileSync(files.keyFile),
          });
  }

  /** Rejects where no answer came; a refusal is an answer. */
  async call(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Answer> {
    const response = await this.open(method, path, body, signal);
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    return { code: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') };
  }

  /** The body of an answer with this code; rejects on any other. */
  async json<T>(method: string, path: string, code: number, body: unknown, signal: AbortSignal): Promise<T> {
    const answer = await this.call(method, path, body, signal);
    if (answer.code !== code) throw new Error(`${method} ${path}: ${answer.code} ${answer.body}`);
    return JSON.parse(answer.body) as T;
  }

  /** The events of a watch until the server ends it; rejects when the connection breaks or at the signal. */
  async *watch(path: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const response = await this.open('GET', path, undefined, signal);
    let rest = '';
    for await (const chunk of response as AsyncIterable<Buffer>) {
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as WatchEvent;
    }
  }

  [Symbol.dispose](): void {
    this.agent.destroy();
  }

  private async open(
    method: string,
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const outgoing = request(new URL(path, this.server), { method, agent: this.agent, signal }, resolve);
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    return promise;
  }
}

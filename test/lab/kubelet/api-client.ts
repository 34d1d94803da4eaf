import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { createInterface } from 'node:readline';
import { parse } from 'yaml';

/** What a kubeconfig says of where and as whom. */
export interface ApiAccess {
  readonly server: string;
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
}

/** Reads a kubeconfig of one cluster and one user, with data inline or in files below `root`. */
export function readKubeconfig(path: string, root: string): ApiAccess {
  const { clusters, users } = parse(readFileSync(path, 'utf8')) as Kubeconfig;
  const cluster = clusters[0]?.cluster ?? {};
  const user = users[0]?.user ?? {};
  const data = (from: Readonly<Record<string, string>>, name: string): Buffer => {
    const inline = from[`${name}-data`];
    return inline === undefined ? readFileSync(`${root}${from[name] ?? ''}`) : Buffer.from(inline, 'base64');
  };
  return {
    server: cluster['server'] ?? '',
    ca: data(cluster, 'certificate-authority'),
    cert: data(user, 'client-certificate'),
    key: data(user, 'client-key'),
  };
}

/** JSON over HTTPS to one API server. */
export class ApiClient {
  private readonly server: string;
  private readonly agent: Agent;

  constructor(access: ApiAccess) {
    const { ca, cert, key } = access;
    this.server = access.server;
    this.agent = new Agent({ ca, cert, key, keepAlive: true });
  }

  close(): void {
    this.agent.destroy();
  }

  /** Rejects only where nothing answered. */
  async send(method: string, path: string, body: unknown, signal: AbortSignal): Promise<ApiAnswer> {
    const response = await this.open(method, path, body, signal);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    return { status: response.statusCode ?? 0, body: parseJson(text) };
  }

  /** The lines of a watch, until it ends. Throws where it is refused. */
  async *watch(path: string, signal: AbortSignal): AsyncGenerator<unknown> {
    const response = await this.open('GET', path, undefined, signal);
    if (response.statusCode !== 200) {
      response.resume();
      throw new Error(`watch refused: ${response.statusCode}`);
    }
    for await (const line of createInterface({ input: response })) if (line !== '') yield JSON.parse(line);
  }

  private async open(
    method: string,
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const outgoing = request(`${this.server}${path}`, {
      method,
      agent: this.agent,
      signal,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': contentType(method) }),
      },
    });
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    return promise;
  }
}

function contentType(method: string): string {
  return method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

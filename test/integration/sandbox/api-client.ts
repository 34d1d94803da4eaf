import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';

const ASK_TIMEOUT_MS = 30_000;

export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
}

interface Kubeconfig {
  readonly clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
  readonly users: [{ user: { 'client-certificate-data': string; 'client-key-data': string } }];
}

/** kubectl's part: asks by HTTPS with what a kubeconfig holds, and with nothing else. */
export class ApiClient implements Disposable {
  readonly url: string;
  readonly ca: Buffer;
  readonly #agent: Agent;

  constructor(kubeconfigPath: string) {
    const { clusters, users } = JSON.parse(readFileSync(kubeconfigPath, 'utf8')) as Kubeconfig;
    const decode = (text: string): Buffer => Buffer.from(text, 'base64');
    this.url = clusters[0].cluster.server;
    this.ca = decode(clusters[0].cluster['certificate-authority-data']);
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: 4,
      ca: this.ca,
      cert: decode(users[0].user['client-certificate-data']),
      key: decode(users[0].user['client-key-data']),
    });
  }

  async ask(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
    agent: Agent = this.#agent,
  ): Promise<ApiAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
    const asked = request(`${this.url}${path}`, {
      method,
      agent,
      headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    });
    asked.once('error', reject);
    asked.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.once('error', reject);
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    return await promise;
  }

  async json(path: string): Promise<Record<string, unknown>> {
    const { status, text } = await this.ask('GET', path);
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

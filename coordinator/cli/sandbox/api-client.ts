import { Agent, request } from 'node:https';
import type { SandboxCertificates } from './certificates.ts';

const ASK_TIMEOUT_MS = 30_000;
/** An answer is an object or a Status. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
}

/** The insider's way to the API server. An impostor on its port shows no certificate of this run. */
export class InsideClient implements Disposable {
  readonly #url: string;
  readonly #agent: Agent;

  constructor(url: string, { ca, insider }: SandboxCertificates) {
    this.#url = url;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      ca,
      cert: insider.certificate,
      key: insider.key,
    });
  }

  /** Rejects where no whole answer comes in time. */
  async ask(method: 'GET' | 'POST', path: string, signal: AbortSignal, body?: object): Promise<ApiAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
    const asked = request(`${this.#url}${path}`, {
      method,
      agent: this.#agent,
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      timeout: ASK_TIMEOUT_MS,
      signal,
    });
    asked.once('timeout', () =>
      asked.destroy(new Error(`${method} ${path}: no answer in ${ASK_TIMEOUT_MS} ms`)),
    );
    asked.once('error', reject);
    asked.once('response', (response) => {
      const parts: Buffer[] = [];
      let sizeBytes = 0;
      response.on('data', (bytes: Buffer) => {
        sizeBytes += bytes.length;
        if (sizeBytes > MAX_ANSWER_BYTES) asked.destroy(new Error(`${method} ${path}: too long an answer`));
        else parts.push(bytes);
      });
      response.once('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
      );
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    return await promise;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

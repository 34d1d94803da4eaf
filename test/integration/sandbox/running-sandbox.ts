import { dirname } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import type { EtcdTools } from '../../lab/tools/locate.ts';
import { CommandLineProcess, type Ended } from '../cli/command-line.ts';
import { ApiClient } from './api-client.ts';

/** A kube-apiserver starts in ten seconds; on a loaded machine in a minute and more. */
const READY_TIMEOUT_MS = 240_000;

export interface Ready {
  readonly directory: string;
  readonly pid: number;
  readonly revision: number;
  readonly api: {
    readonly url: string;
    readonly kubeconfig: string;
    readonly version: string;
    readonly pid: number;
    readonly writable: boolean;
    readonly wrote: readonly { readonly key: string; readonly change: string }[];
    readonly joined: readonly { readonly place: string; readonly refused?: string }[];
  };
}

/** `lockstep inspect sandbox` as a person runs it, and kubectl's part beside it. */
export class RunningSandbox implements AsyncDisposable {
  readonly ready: Ready;
  readonly client: ApiClient;
  readonly #process: CommandLineProcess;

  private constructor(process: CommandLineProcess, ready: Ready) {
    this.#process = process;
    this.ready = ready;
    this.client = new ApiClient(ready.api.kubeconfig);
  }

  static async start(
    tools: EtcdTools,
    snapshot: string,
    apiserver: string,
    ...more: readonly string[]
  ): Promise<RunningSandbox> {
    const running = new CommandLineProcess(
      ['inspect', 'sandbox', snapshot, '--apiserver', apiserver, '-o', 'json', ...more],
      { PATH: `${dirname(tools.etcdutl)}:/usr/bin:/bin` },
    );
    let ended: Ended | undefined;
    void running.ended.then((how) => {
      ended = how;
    });
    try {
      await waitFor(
        {
          describe: () => 'the sandbox is ready',
          check: async () => {
            if (ended !== undefined) throw new Error(`it ended: ${JSON.stringify(ended)}`);
            return running.out.includes('\n');
          },
        },
        100,
        deadline(READY_TIMEOUT_MS),
      );
      return new RunningSandbox(running, JSON.parse(running.out) as Ready);
    } catch (thrown) {
      running.terminate();
      await running.ended;
      throw thrown;
    }
  }

  /** Ctrl-C. */
  async stop(): Promise<Ended> {
    this.client[Symbol.dispose]();
    this.#process.interrupt();
    return await this.#process.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { CLIENT_SOCKET } from '../analysis-store.ts';
import { SandboxProcess } from './process.ts';

const START_TIMEOUT_MS = 60_000;
/** A copy that nobody else uses: nothing is to be refused for want of room. */
const FLAGS = ['--quota-backend-bytes=-1', '--log-level=error', '--logger=zap'];

/** For who stands in the sandbox's directory. */
export const ETCD_ENDPOINT = `unix://${CLIENT_SOCKET}`;

/** An etcd which answers on a socket file in its directory and on no port. Throws BUILD_FAILED. */
export async function startEtcd(
  program: string,
  args: readonly string[],
  directory: string,
  signal: AbortSignal,
): Promise<SandboxProcess> {
  return await SandboxProcess.start(
    {
      name: 'etcd',
      program,
      args: [...args, ...FLAGS],
      directory,
      startTimeoutMs: START_TIMEOUT_MS,
      stopSignal: 'SIGTERM',
      serves: async (pid, within) => {
        using client = clientOf(pid);
        return await client.members(within).then(
          () => true,
          () => false,
        );
      },
      failure: 'BUILD_FAILED',
    },
    signal,
  );
}

/** By the process's own directory: a socket's path may not be long. */
export function clientOf(pid: number): EtcdClient {
  return new EtcdClient({ url: `unix:/proc/${pid}/cwd/${CLIENT_SOCKET}` });
}

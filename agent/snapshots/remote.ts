import { AgentServiceService } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { TlsFiles } from '@lockstep/shared/tls/identity.ts';
import { connect, serverStream } from '@lockstep/shared/transport/client.ts';
import type { OpenSnapshot } from './pull.ts';

/** Snapshots of other agents, each over a connection of its own to exactly the agent that is named. */
export function openFromAgents(settings: { readonly tls: TlsFiles; readonly cluster: string }): OpenSnapshot {
  const { tls, cluster } = settings;
  return async function* openSnapshot(source, snapshotId, offsetBytes, signal) {
    const client = connect({
      address: source.address,
      tls,
      expected: { cluster, role: 'agent', name: source.node },
    });
    try {
      yield* serverStream(client, AgentServiceService.readSnapshot, { snapshotId, offsetBytes }, signal);
    } finally {
      client.close();
    }
  };
}

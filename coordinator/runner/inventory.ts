import type { Clock } from '@lockstep/shared/clock.ts';
import { toFailure } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import type { AgentAddress, AgentClient, Agents } from './ports.ts';

/** An agent looks at manifests, files, containers and etcd; each of those has a deadline of its own. */
const DESCRIBE_TIMEOUT_MS = 30_000;

export interface Inspection extends AgentAddress {
  readonly report: NodeReport | undefined;
  readonly failure: Failure | undefined;
  /** The middle of question and answer, by this coordinator's clock. */
  readonly askedMs: number;
}

/** Asks every known agent about its node, side by side. Rejects only at the signal. */
export async function inspectNodes(agents: Agents, clock: Clock, signal: AbortSignal): Promise<Inspection[]> {
  const nodes = [...agents.known()].sort((a, b) => (a.node < b.node ? -1 : 1));
  const inspections = await Promise.all(
    nodes.map(async ({ node, address }): Promise<Inspection> => {
      const client = agents.client({ node, address });
      const sentMs = clock.nowMs();
      try {
        const report = await client.describe(clock.deadline(DESCRIBE_TIMEOUT_MS, signal));
        return { node, address, report, failure: undefined, askedMs: (sentMs + clock.nowMs()) / 2 };
      } catch (thrown) {
        return { node, address, report: undefined, failure: toFailure(thrown, node), askedMs: sentMs };
      }
    }),
  );
  signal.throwIfAborted();
  return inspections;
}

/** Asks agents the same, side by side, every known one where none are named; what fails is told apart from what answers. */
export async function askAll<Result>(
  agents: Agents,
  ask: (client: AgentClient) => Promise<Result>,
  among: readonly AgentAddress[] = agents.known(),
): Promise<{ client: AgentClient; result: Result | undefined; failure: Failure | undefined }[]> {
  return Promise.all(
    among.map(async (address) => {
      const client = agents.client(address);
      try {
        return { client, result: await ask(client), failure: undefined };
      } catch (thrown) {
        return { client, result: undefined, failure: toFailure(thrown, address.node) };
      }
    }),
  );
}

import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { OperatorServiceService } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { Answer } from '../answer.ts';
import { WAIT_MS } from '../coordinator.ts';
import { EXIT } from '../exit-codes.ts';
import { type Invocation, withCoordinator } from '../invocation.ts';
import { nodeDetails, nodeList } from '../render/nodes.ts';

export async function listNodes(invocation: Invocation): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const { nodes } = await coordinator.call(
      OperatorServiceService.listNodes,
      { cluster: coordinator.context.cluster },
      WAIT_MS.nodes,
    );
    const failure = nodes.find((node) => node.failure !== undefined)?.failure;
    return {
      data: { nodes },
      names: nodes.map(({ node }) => node),
      render: (layout) => nodeList(layout, nodes),
      ...(failure === undefined ? {} : { exit: EXIT.findings, code: failure.code }),
    };
  });
}

export async function showNode(invocation: Invocation, name: string): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const { nodes } = await coordinator.call(
      OperatorServiceService.listNodes,
      { cluster: coordinator.context.cluster },
      WAIT_MS.nodes,
    );
    const status = nodes.find(({ node }) => node === name);
    if (status === undefined) {
      throw new LockstepError('USAGE', {
        message: `There is no node ${name}; there are ${nodes.map(({ node }) => node).join(', ')}.`,
      });
    }
    return {
      data: { node: status },
      names: [name],
      render: (layout) => nodeDetails(layout, status),
      ...(status.failure === undefined ? {} : { exit: EXIT.findings, code: status.failure.code }),
    };
  });
}

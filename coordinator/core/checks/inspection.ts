import { catalogue, isErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Failure, Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Check } from './check.ts';

/** A store that does not serve is what restores are for; that alone refuses nothing. */
const EXPECTED_IN_A_DISASTER: ReadonlySet<string> = new Set(['ETCD_UNREACHABLE', 'API_NOT_READY']);

/** Every node answered, belongs to this cluster, and could read what the plan must know. */
export const checkInspection: Check = ({ nodes, cluster }) =>
  nodes.flatMap(({ node, report, failure, address }): Refusal[] => {
    if (report === undefined) {
      const why = failure === undefined ? 'did not answer' : `${failure.code}: ${failure.message}`;
      return [refusal('NODE_MISSING', `the agent of ${node} at ${address}: ${why}`, node)];
    }
    if (report.cluster !== cluster || report.node !== node) {
      const words = `the agent at ${address} is ${report.node} of cluster ${report.cluster}, not ${node} of ${cluster}`;
      return [refusal('CLUSTER_MISMATCH', words, node)];
    }
    if (report.openOperationId !== '') {
      const words = `operation ${report.openOperationId} is open on ${node}`;
      return [refusal('OPERATION_IN_PROGRESS', words, node)];
    }
    if (report.setAsideOperationId !== '') {
      const words = `${node} was set aside by ${report.setAsideOperationId}`;
      return [refusal('NODE_SET_ASIDE', words, node)];
    }
    return report.failures
      .filter(({ code }) => !EXPECTED_IN_A_DISASTER.has(code))
      .map((each) => asRefusal(each, node));
  });

/** What the agent could not read, under its own code where that is a refusal. */
function asRefusal(failure: Failure, node: string): Refusal {
  const { code, message } = failure;
  if (isErrorCode(code) && catalogue[code].class !== 'fault') return refusal(code, message, node);
  return refusal('NODE_INSPECTION_FAILED', `${code}: ${message}`, node);
}

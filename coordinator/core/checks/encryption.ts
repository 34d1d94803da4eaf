import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import { EncryptionVerdict_Verdict as Verdict } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Check } from './check.ts';

/** Every node's keys open a sample of everything that the snapshot holds encrypted. */
export const checkEncryption: Check = ({ planned, facts }) => {
  const used = (facts?.encryption ?? []).filter((use) => use.provider !== '' && use.provider !== 'identity');
  // An etcd host has no keys, and opens nothing.
  const withApiServer = planned.filter(({ report }) => report.apiServer !== undefined);
  return withApiServer.flatMap(({ node, encryption }) =>
    used.flatMap((use): Refusal[] => {
      const key = `${use.provider} key "${use.keyName}"`;
      const verdict = encryption.find(
        (each) => each.provider === use.provider && each.keyName === use.keyName,
      )?.verdict;
      switch (verdict) {
        case Verdict.VERDICT_OPENED:
          return [];
        case Verdict.VERDICT_WRONG_KEY:
          return [
            refusal('ENCRYPTION_KEY_WRONG', `the ${key} of ${node} does not open ${use.sampleKey}`, node),
          ];
        case Verdict.VERDICT_NO_SUCH_KEY:
          return [
            refusal('ENCRYPTION_KEY_WRONG', `${node} has no ${key}, which ${use.count} values need`, node),
          ];
        case Verdict.VERDICT_CANNOT_TELL:
          return [refusal('ENCRYPTION_UNPROVEN', `${node} cannot try the ${key} beforehand`, node)];
        default:
          return [refusal('NODE_INSPECTION_FAILED', `${node} did not try the ${key}`, node)];
      }
    }),
  );
};

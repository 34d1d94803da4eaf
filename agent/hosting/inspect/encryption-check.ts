import {
  type EncryptionVerdict,
  EncryptionVerdict_Verdict,
} from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { EncryptionUse } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { openValue, parseEncryptionConfiguration } from '@lockstep/shared/kubernetes/encryption.ts';

const VERDICTS = {
  opened: EncryptionVerdict_Verdict.VERDICT_OPENED,
  'wrong-key': EncryptionVerdict_Verdict.VERDICT_WRONG_KEY,
  'no-such-key': EncryptionVerdict_Verdict.VERDICT_NO_SUCH_KEY,
  'cannot-tell': EncryptionVerdict_Verdict.VERDICT_CANNOT_TELL,
} as const;

/**
 * Tries each sample with the node's own configuration; `yaml` is undefined where the API server is
 * given none, and then only plain values can be read. What was opened is dropped here.
 */
export function checkEncryption(
  yaml: string | undefined,
  etcdPrefix: string,
  uses: readonly EncryptionUse[],
): EncryptionVerdict[] {
  const config = yaml === undefined ? { rules: [] } : parseEncryptionConfiguration(yaml);
  const open = ({ sampleKey, sampleValue }: EncryptionUse): ReturnType<typeof openValue> =>
    sampleKey.startsWith(`${etcdPrefix}/`)
      ? openValue(config, sampleKey, sampleValue, etcdPrefix)
      : openValue(config, sampleKey, sampleValue);
  return uses.map((use) => ({
    provider: use.provider,
    keyName: use.keyName,
    verdict: VERDICTS[open(use).outcome],
  }));
}

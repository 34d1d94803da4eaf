import { readFileSync } from 'node:fs';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Evidence } from '@lockstep/shared/evidence/evidence.ts';
import { Decoder } from '@lockstep/shared/kubernetes/decode.ts';
import { parseEncryptionConfiguration } from '@lockstep/shared/kubernetes/encryption-configuration.ts';

export interface DecodeOptions {
  /** A file: kube-apiserver's EncryptionConfiguration, or K3s's. */
  readonly encryptionConfig?: string;
}

/** Throws CONFIG_INVALID. */
export function decoderFor(evidence: Evidence, { encryptionConfig }: DecodeOptions): Decoder {
  const { registryPrefix } = evidence.facts;
  if (encryptionConfig === undefined) return new Decoder({ registryPrefix });
  let text: string;
  try {
    text = readFileSync(encryptionConfig, 'utf8');
  } catch (cause) {
    throw new LockstepError('CONFIG_INVALID', { message: `${encryptionConfig} cannot be read.`, cause });
  }
  return new Decoder({ registryPrefix, encryption: parseEncryptionConfiguration(text) });
}

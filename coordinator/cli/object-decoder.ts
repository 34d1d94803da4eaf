import { readFileSync } from 'node:fs';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Evidence } from '@lockstep/shared/evidence/evidence.ts';
import { Decoder } from '@lockstep/shared/kubernetes/decode.ts';
import {
  type EncryptionConfiguration,
  parseEncryptionConfiguration,
} from '@lockstep/shared/kubernetes/encryption-configuration.ts';

export interface DecodeOptions {
  /** A file: kube-apiserver's EncryptionConfiguration, or K3s's. */
  readonly encryptionConfig?: string;
}

/** Throws CONFIG_INVALID. */
export function decoderFor(evidence: Evidence, options: DecodeOptions): Decoder {
  return decoderWith(evidence, encryptionOf(options));
}

export function decoderWith({ facts }: Evidence, encryption: EncryptionConfiguration | undefined): Decoder {
  const { registryPrefix } = facts;
  return new Decoder({ registryPrefix, ...(encryption === undefined ? {} : { encryption }) });
}

/** Undefined where none was named. Throws CONFIG_INVALID. */
export function encryptionOf({ encryptionConfig }: DecodeOptions): EncryptionConfiguration | undefined {
  if (encryptionConfig === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(encryptionConfig, 'utf8');
  } catch (cause) {
    throw new LockstepError('CONFIG_INVALID', { message: `${encryptionConfig} cannot be read.`, cause });
  }
  return parsed(encryptionConfig, text);
}

/** Throws CONFIG_INVALID, with the file's name and no word of what is in it. */
function parsed(path: string, text: string): EncryptionConfiguration {
  try {
    return parseEncryptionConfiguration(text);
  } catch (thrown) {
    if (!(thrown instanceof LockstepError)) throw thrown;
    throw new LockstepError(thrown.code, { message: `${path}: ${thrown.message}` });
  }
}

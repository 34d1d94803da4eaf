import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { parse } from 'yaml';
import { z } from 'zod';

import type { Flags } from '../flags.ts';

const section = z.record(z.string(), z.unknown()).nullish();
const schema = z.looseObject({
  'client-transport-security': section,
  'peer-transport-security': section,
});

const FLAGS_OF_SECTIONS = {
  'client-transport-security': {
    'cert-file': 'cert-file',
    'key-file': 'key-file',
    'trusted-ca-file': 'trusted-ca-file',
    'client-cert-auth': 'client-cert-auth',
    'auto-tls': 'auto-tls',
  },
  'peer-transport-security': {
    'cert-file': 'peer-cert-file',
    'key-file': 'peer-key-file',
    'trusted-ca-file': 'peer-trusted-ca-file',
    'client-cert-auth': 'peer-client-cert-auth',
    'auto-tls': 'peer-auto-tls',
  },
} as const;

/**
 * etcd's `--config-file` as the flags that say the same. With such a file etcd ignores every flag
 * and every ETCD_ variable. Throws CONFIG_INVALID where it is no YAML of that kind.
 */
export function flagsOfConfigFile(text: string): Flags {
  let document: unknown;
  try {
    document = parse(text);
  } catch (cause) {
    throw new LockstepError('CONFIG_INVALID', { message: 'etcd’s configuration file is no YAML.', cause });
  }
  const parsed = schema.safeParse(document);
  if (!parsed.success) {
    throw new LockstepError('CONFIG_INVALID', { message: 'etcd’s configuration file has another form.' });
  }
  const flags = new Map<string, string[]>();
  for (const [name, value] of Object.entries(parsed.data)) {
    const text = scalar(value);
    if (text !== undefined) flags.set(name, [text]);
  }
  for (const [name, names] of Object.entries(FLAGS_OF_SECTIONS)) {
    const given = parsed.data[name as keyof typeof FLAGS_OF_SECTIONS] ?? {};
    for (const [key, flag] of Object.entries(names)) {
      const text = scalar(given[key]);
      if (text !== undefined) flags.set(flag, [text]);
    }
  }
  return flags;
}

function scalar(value: unknown): string | undefined {
  return ['string', 'number', 'boolean', 'bigint'].includes(typeof value) ? String(value) : undefined;
}

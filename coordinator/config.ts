import { readFile } from 'node:fs/promises';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { parse } from 'yaml';
import { z } from 'zod';
import { copiesSchema, recipientsSchema, storesFaults, storesSchema } from './config-stores.ts';
import { PLAN_EXPIRES_AFTER_MS } from './core/limits.ts';
import { retentionSchema, schedulesSchema } from './keeping-config.ts';

/** What a plan rests on is looked at again before downtime, yet nobody remembers a plan of yesterday. */
const MAX_PLAN_EXPIRY_MS = 60 * 60_000;

const realPath = z.string().regex(/^\/[^\0]*$/, 'must be an absolute path');
const address = z.string().regex(/^.+:\d{1,5}$/, 'must be HOST:PORT');
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be a plain name');

const schema = z
  .strictObject({
    cluster: name,
    id: name,
    listen: address,
    stateDir: realPath.default('/var/lib/lockstep-coordinator'),
    tls: z.strictObject({ caFile: realPath, certFile: realPath, keyFile: realPath }),
    /** What it countersigns cards with; `signing.crt` and `signing.key` beside the TLS files where left out. */
    signing: z.strictObject({ certFile: realPath, keyFile: realPath }).optional(),
    nodes: z
      .array(z.strictObject({ name, address }))
      .default([])
      .refine((nodes) => new Set(nodes.map((node) => node.name)).size === nodes.length, 'names a node twice'),
    planExpiryMs: z.int().min(1_000).max(MAX_PLAN_EXPIRY_MS).default(PLAN_EXPIRES_AFTER_MS),
    stores: storesSchema,
    recipients: recipientsSchema,
    copies: copiesSchema,
    schedules: schedulesSchema,
    retention: retentionSchema,
    nats: z
      .strictObject({
        servers: z.array(z.string().regex(/^(tls|nats):\/\//, 'must be tls:// or nats://')).min(1),
      })
      .optional(),
  })
  .refine((config) => config.nodes.length > 0 || config.nats !== undefined, {
    path: ['nodes'],
    message: 'must name the nodes where no NATS is configured',
  })
  .superRefine((config, context) => {
    for (const [field, message] of storesFaults(config)) {
      context.addIssue({ code: 'custom', path: field.split('.'), message });
    }
  });

/** The coordinator's configuration (docs/architecture.md). Every path is a real one. */
export type CoordinatorConfig = z.infer<typeof schema>;

export const DEFAULT_CONFIG_PATH = '/etc/lockstep-coordinator/coordinator.yaml';

/** Reads and checks a configuration file. Throws CONFIG_INVALID naming the field. */
export async function readConfig(path: string): Promise<CoordinatorConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new LockstepError('CONFIG_INVALID', { message: `${path} cannot be read.`, cause });
  }
  return parseConfig(text, path);
}

export function parseConfig(text: string, path: string): CoordinatorConfig {
  let document: unknown;
  try {
    document = parse(text);
  } catch (cause) {
    throw new LockstepError('CONFIG_INVALID', { message: `${path} is no YAML.`, cause });
  }
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  const words = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`);
  throw new LockstepError('CONFIG_INVALID', { message: `${path}: ${words.join('; ')}.` });
}

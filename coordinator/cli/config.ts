import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { TlsFiles } from '@lockstep/shared/tls/identity.ts';
import { parse } from 'yaml';
import { z } from 'zod';

const Context = z.strictObject({
  name: z.string().min(1),
  cluster: z.string().min(1),
  /** "HOST:PORT". */
  coordinator: z.string().regex(/^.+:\d{1,5}$/, 'write HOST:PORT'),
  /** Further coordinators of the cluster: whoever leads is asked. */
  standbys: z.array(z.string().regex(/^.+:\d{1,5}$/, 'write HOST:PORT')).default([]),
  tls: z.strictObject({ caFile: z.string(), certFile: z.string(), keyFile: z.string() }),
});

const Config = z.strictObject({
  currentContext: z.string(),
  contexts: z.array(Context).min(1),
});

/** A cluster's coordinator and who the operator is to it. */
export interface OperatorContext {
  readonly name: string;
  readonly cluster: string;
  readonly coordinator: string;
  readonly standbys: readonly string[];
  readonly tls: TlsFiles;
}

export interface ConfigLocation {
  /** `--config`. */
  readonly file?: string;
  /** `--context`. */
  readonly context?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export function configPath({ file, environment }: ConfigLocation): string {
  return file ?? environment['LOCKSTEP_CONFIG'] ?? join(homedir(), '.config', 'lockstep', 'config.yaml');
}

/** The context to use. Paths in the file are relative to it. Throws CONFIG_INVALID. */
export async function loadContext(location: ConfigLocation): Promise<OperatorContext> {
  const path = configPath(location);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new LockstepError('CONFIG_INVALID', {
      message: `There is no readable configuration at ${path}; name one with --config or LOCKSTEP_CONFIG, or make one with \`lockstep init\`.`,
      cause,
    });
  }
  const config = parseConfig(text, path);
  const wanted = location.context ?? config.currentContext;
  const context = config.contexts.find(({ name }) => name === wanted);
  if (context === undefined) {
    throw new LockstepError('CONFIG_INVALID', {
      message: `${path} has no context "${wanted}"; it has ${config.contexts.map(({ name }) => name).join(', ')}.`,
    });
  }
  const absolute = (file: string): string => (isAbsolute(file) ? file : resolve(dirname(path), file));
  const { caFile, certFile, keyFile } = context.tls;
  return {
    ...context,
    tls: { caFile: absolute(caFile), certFile: absolute(certFile), keyFile: absolute(keyFile) },
  };
}

function parseConfig(text: string, path: string): z.infer<typeof Config> {
  let content: unknown;
  try {
    content = parse(text);
  } catch (cause) {
    throw new LockstepError('CONFIG_INVALID', { message: `${path} is not readable YAML.`, cause });
  }
  const parsed = Config.safeParse(content);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new LockstepError('CONFIG_INVALID', {
    message: `${path}: ${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'not valid'}`,
  });
}

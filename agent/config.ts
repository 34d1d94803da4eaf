import { readFile } from 'node:fs/promises';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { parse } from 'yaml';
import { z } from 'zod';
import { CONTENT_SUBJECTS } from './evidence/collector.ts';

const hostPath = z.string().regex(/^\/[^\0]*$/, 'must be an absolute path');
const address = z.string().regex(/^.+:\d{1,5}$/, 'must be HOST:PORT');
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be a plain name');

const MIB = 1024 * 1024;

const schema = z.strictObject({
  cluster: name,
  node: name,
  /** Put in front of every host path. */
  hostRoot: hostPath.default('/'),
  listen: address,
  /** Where the coordinator reaches this agent; `listen` where left out. */
  advertise: address.optional(),
  stateDir: hostPath.default('/var/lib/lockstep'),
  tls: z.strictObject({ caFile: hostPath, certFile: hostPath, keyFile: hostPath }),
  /** What it seals cards with; `signing.crt` and `signing.key` beside the TLS files where left out. */
  signing: z.strictObject({ certFile: hostPath, keyFile: hostPath }).optional(),
  containerRuntime: z
    .strictObject({ socket: hostPath })
    .default({ socket: '/run/containerd/containerd.sock' }),
  serviceManager: z
    .strictObject({
      systemctl: hostPath.default('/usr/bin/systemctl'),
      unitDir: hostPath.default('/etc/systemd/system'),
      kubeletUnit: z.string().default('kubelet.service'),
      etcdUnit: z.string().default('etcd.service'),
    })
    .prefault({}),
  kubelet: z
    .strictObject({
      config: hostPath.default('/var/lib/kubelet/config.yaml'),
      staticPodPath: hostPath.default('/etc/kubernetes/manifests'),
    })
    .prefault({}),
  /** How etcd is run here. Said and never guessed: what an agent holds and starts must not change under it. */
  hosting: z.enum(['static-pod', 'systemd']).default('static-pod'),
  /** Real paths. */
  tools: z.strictObject({ etcdutl: hostPath.optional(), etcdctl: hostPath.optional() }).prefault({}),
  /** What is gathered where somebody asks for evidence; never more than this. Bytes are before compression. */
  evidence: z
    .strictObject({
      /** Whose bytes are taken, and not only names, digests and times: they may hold secrets. */
      contents: z.array(z.enum(CONTENT_SUBJECTS)).default([]),
      maxBytes: z
        .int()
        .positive()
        .default(1024 * MIB),
      maxCollectorBytes: z
        .int()
        .positive()
        .default(512 * MIB),
      maxFileBytes: z
        .int()
        .positive()
        .default(64 * MIB),
      maxFilesPerCollector: z.int().positive().default(10_000),
      maxNamesPerCollector: z.int().positive().default(100_000),
      maxNotTaken: z.int().positive().default(20_000),
      maxCollectorMs: z
        .int()
        .positive()
        .default(3 * 60_000),
      maxMs: z
        .int()
        .positive()
        .default(10 * 60_000),
    })
    .prefault({}),
  nats: z.strictObject({ servers: z.array(z.string()).min(1) }).optional(),
});

/** The agent's configuration (docs/architecture.md). Paths are host paths but for `tools`. */
export type AgentConfig = Omit<z.infer<typeof schema>, 'advertise'> & { readonly advertise: string };

export const DEFAULT_CONFIG_PATH = '/etc/lockstep/agent.yaml';

/** Reads and checks a configuration file; `path` is a real path. Throws CONFIG_INVALID naming the field. */
export async function readConfig(path: string): Promise<AgentConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new LockstepError('CONFIG_INVALID', { message: `${path} cannot be read.`, cause });
  }
  return parseConfig(text, path);
}

export function parseConfig(text: string, path: string): AgentConfig {
  let document: unknown;
  try {
    document = parse(text);
  } catch (cause) {
    throw new LockstepError('CONFIG_INVALID', { message: `${path} is no YAML.`, cause });
  }
  const parsed = schema.safeParse(document);
  if (!parsed.success) {
    const words = parsed.error.issues.map(
      (issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`,
    );
    throw new LockstepError('CONFIG_INVALID', { message: `${path}: ${words.join('; ')}.` });
  }
  return { ...parsed.data, advertise: parsed.data.advertise ?? parsed.data.listen };
}

import { systemClock } from '@lockstep/shared/clock.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { openEvidence } from '@lockstep/shared/evidence/open.ts';
import type { ConfigLocation } from '../config.ts';
import { decoderWith, encryptionOf } from '../object-decoder.ts';
import { InsideClient } from './api-client.ts';
import { writeApiFiles } from './api-files.ts';
import {
  type ApiServer,
  type ApiServerProgram,
  findApiServer,
  requireFitting,
  startApiServer,
} from './api-server.ts';
import type { SandboxDirectory } from './directory.ts';
import { type SandboxEncryption, sandboxEncryption } from './encryption-file.ts';
import { clientOf } from './etcd.ts';
import { type Joined, joinStaticPods } from './join.ts';
import { type NodeManifests, readNodeManifests } from './static-pods.ts';
import { type StoreFacts, storeFacts } from './store-facts.ts';
import { type WrittenKey, writtenSince } from './written.ts';

export interface ApiRequest {
  /** kube-apiserver's program. */
  readonly apiserver: string;
  readonly writable: boolean;
  /** A file: the EncryptionConfiguration. */
  readonly encryptionConfig?: string;
  /** Archives of nodes, whose static pods are joined. */
  readonly evidence: readonly string[];
  /** A file: the CA that their seals are judged by. */
  readonly ca?: string;
}

/** An API that can be started on a copy of the store: all that can be refused has been looked at. */
export interface ApiPlan {
  readonly program: ApiServerProgram;
  readonly facts: StoreFacts;
  readonly encryption: SandboxEncryption | undefined;
  readonly writable: boolean;
  readonly nodes: readonly NodeManifests[];
}

/**
 * Throws API_SERVER_MISSING, API_SERVER_MISMATCH, CONFIG_INVALID, EVIDENCE_ARCHIVE_INVALID,
 * FILE_NOT_READABLE, and as `openEvidence` does.
 */
export async function planApi(
  snapshot: string,
  request: ApiRequest,
  location: ConfigLocation,
  signal: AbortSignal,
): Promise<ApiPlan> {
  const program = await findApiServer(request.apiserver, signal);
  using evidence = openEvidence(snapshot);
  const configuration = encryptionOf(request);
  const facts = storeFacts(evidence, decoderWith(evidence, configuration));
  requireFitting(program, facts);
  const { writable } = request;
  const encryption = configuration === undefined ? undefined : sandboxEncryption(configuration);
  const nodes: NodeManifests[] = [];
  for (const path of request.evidence) nodes.push(await readNodeManifests(path, request.ca, location));
  return { program, facts, encryption, writable, nodes };
}

export type ApiOptions = Omit<ApiRequest, 'apiserver'> & Partial<Pick<ApiRequest, 'apiserver'>>;

export interface RunningApi extends AsyncDisposable {
  readonly server: ApiServer;
  /** What it wrote by itself, to the copy. */
  readonly wrote: readonly WrittenKey[];
  /** What was joined to it from here. */
  readonly joined: readonly Joined[];
}

/**
 * Beside the etcd of the process `etcd.pid`, restored at `revision`. Throws API_SERVER_FAILED, as
 * `writtenSince` does, and as `joinStaticPods` does.
 */
export async function startApi(
  plan: ApiPlan,
  directory: SandboxDirectory,
  etcd: { readonly pid: number; readonly revision: bigint },
  signal: AbortSignal,
): Promise<RunningApi> {
  const { program, facts, writable } = plan;
  const material = await writeApiFiles(
    directory,
    { writable, encryption: plan.encryption?.text },
    systemClock.nowMs(),
  );
  const server = await startApiServer(program, material, facts, directory, signal);
  try {
    using client = clientOf(etcd.pid);
    const wrote = await writtenSince(
      client,
      { prefix: `${facts.prefix}/`, since: etcd.revision },
      systemClock,
      signal,
    );
    using inside = new InsideClient(server.url, material.certificates);
    const joined = await joinStaticPods(inside, plan.nodes, signal);
    return { server, wrote, joined, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  } catch (thrown) {
    await server[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** Throws USAGE for what means something only beside `--apiserver`. */
export function requireApiOptions(options: ApiOptions): ApiRequest | undefined {
  const { apiserver } = options;
  if (apiserver !== undefined) return { ...options, apiserver };
  const given = [
    ...(options.writable ? ['--writable'] : []),
    ...(options.encryptionConfig === undefined ? [] : ['--encryption-config']),
    ...(options.evidence.length === 0 ? [] : ['--evidence']),
  ];
  if (given.length === 0) return undefined;
  throw new LockstepError('USAGE', {
    message: `${given.join(' and ')} is for an API: name a kube-apiserver with --apiserver. etcd alone takes what is written to it, and decrypts nothing.`,
  });
}

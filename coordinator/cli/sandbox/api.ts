import { readFile } from 'node:fs/promises';
import { systemClock } from '@lockstep/shared/clock.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { openEvidence } from '@lockstep/shared/evidence/open.ts';
import { decoderFor } from '../object-decoder.ts';
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
import { type StoreFacts, storeFacts } from './store-facts.ts';
import { type WrittenKey, writtenSince } from './written.ts';

export interface ApiRequest {
  /** kube-apiserver's program. */
  readonly apiserver: string;
  readonly writable: boolean;
  /** A file: the EncryptionConfiguration. */
  readonly encryptionConfig?: string;
}

/** An API that can be started on a copy of the store: all that can be refused has been looked at. */
export interface ApiPlan {
  readonly program: ApiServerProgram;
  readonly facts: StoreFacts;
  readonly encryption: SandboxEncryption | undefined;
  readonly writable: boolean;
}

/** Throws API_SERVER_MISSING, API_SERVER_MISMATCH, CONFIG_INVALID, and as `openEvidence` does. */
export async function planApi(snapshot: string, request: ApiRequest, signal: AbortSignal): Promise<ApiPlan> {
  const program = await findApiServer(request.apiserver, signal);
  using evidence = openEvidence(snapshot);
  // Read first: it says of a configuration what is wrong with it.
  const facts = storeFacts(evidence, decoderFor(evidence, request));
  requireFitting(program, facts);
  const { encryptionConfig, writable } = request;
  const encryption =
    encryptionConfig === undefined ? undefined : sandboxEncryption(await readFile(encryptionConfig, 'utf8'));
  return { program, facts, encryption, writable };
}

export interface RunningApi extends AsyncDisposable {
  readonly server: ApiServer;
  /** What it wrote by itself, to the copy. */
  readonly wrote: readonly WrittenKey[];
}

/** Beside the etcd of the process `etcdPid`, restored at `revision`. Throws API_SERVER_FAILED. */
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
    return { server, wrote, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  } catch (thrown) {
    await server[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** Throws USAGE for what means something only beside `--apiserver`. */
export function requireApiOptions(options: Partial<ApiRequest>): ApiRequest | undefined {
  const { apiserver } = options;
  if (apiserver !== undefined) return { ...options, apiserver, writable: options.writable ?? false };
  const given = [
    ...(options.writable === true ? ['--writable'] : []),
    ...(options.encryptionConfig === undefined ? [] : ['--encryption-config']),
  ];
  if (given.length === 0) return undefined;
  throw new LockstepError('USAGE', {
    message: `${given.join(' and ')} is for an API: name a kube-apiserver with --apiserver. etcd alone takes what is written to it, and decrypts nothing.`,
  });
}

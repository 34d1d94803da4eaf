import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { isExecutable } from '@lockstep/shared/executable.ts';
import { freePort } from '@lockstep/shared/free-port.ts';
import { InsideClient } from './api-client.ts';
import { type ApiFiles, type ApiMaterial, kubeconfig } from './api-files.ts';
import type { SandboxDirectory } from './directory.ts';
import { ETCD_ENDPOINT } from './etcd.ts';
import { SandboxProcess } from './process.ts';
import { minorVersionOf, type StoreFacts } from './store-facts.ts';

/**
 * Where a value cannot be decrypted, its kind is never listed and this check never passes; what else
 * there is can be read all the same.
 */
const READY_PATH = '/readyz?exclude=informer-sync';
const VERSION_TIMEOUT_MS = 30_000;
const START_TIMEOUT_MS = 180_000;
/** A port may be taken by another program after it was found free. */
const MAX_STARTS = 3;
/**
 * What a newer API server still reads: Kubernetes keeps an API that it takes back for three minor
 * versions.
 */
const MAX_MINORS_NEWER = 3;

export interface ApiServerProgram {
  readonly path: string;
  /** "v1.34.2" */
  readonly version: string;
}

export interface ApiServer extends AsyncDisposable {
  readonly process: SandboxProcess;
  readonly url: string;
  readonly kubeconfig: string;
}

/** Throws API_SERVER_MISSING. */
export async function findApiServer(named: string, signal: AbortSignal): Promise<ApiServerProgram> {
  const path = resolve(named);
  const said = (await isExecutable(path))
    ? await promisify(execFile)(path, ['--version'], {
        signal,
        env: { LC_ALL: 'C' },
        timeout: VERSION_TIMEOUT_MS,
      }).catch(() => ({ stdout: '' }))
    : { stdout: '' };
  signal.throwIfAborted();
  const version = /^Kubernetes (?<version>v\d\S*)/mu.exec(said.stdout)?.groups?.['version'];
  if (version !== undefined) return { path, version };
  throw new LockstepError('API_SERVER_MISSING', {
    message: `${path} is no kube-apiserver that can be run.`,
  });
}

/** Throws API_SERVER_MISMATCH. A store that does not say its version is taken as it is. */
export function requireFitting({ path, version }: ApiServerProgram, { kubernetesVersion }: StoreFacts): void {
  const own = minorVersionOf(version);
  const stored = minorVersionOf(kubernetesVersion);
  if (own === undefined || stored === undefined) return;
  if (own >= stored && own <= stored + MAX_MINORS_NEWER) return;
  const why =
    own < stored ? 'older, and may not know all that is stored' : 'too much newer to read all of it';
  throw new LockstepError('API_SERVER_MISMATCH', {
    message: `${path} is ${version}; the store was written by Kubernetes ${kubernetesVersion}. The program is ${why}.`,
  });
}

/** The words that it is started with; no secret is among them. It is started in the sandbox's directory. */
export function apiServerWords(
  files: ApiFiles,
  { prefix, serviceRanges }: StoreFacts,
  port: number,
): string[] {
  return [
    // Loopback alone, and nobody without this run's certificate.
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${files.serverCertificate}`,
    `--tls-private-key-file=${files.serverKey}`,
    `--client-ca-file=${files.ca}`,
    '--anonymous-auth=false',
    ...(files.policy === undefined
      ? ['--authorization-mode=RBAC']
      : ['--authorization-mode=ABAC', `--authorization-policy-file=${files.policy}`]),
    '--service-account-issuer=https://sandbox.lockstep.invalid',
    `--service-account-signing-key-file=${files.serviceAccountKey}`,
    `--service-account-key-file=${files.serviceAccountPublicKey}`,
    `--etcd-servers=${ETCD_ENDPOINT}`,
    `--etcd-prefix=${prefix}`,
    // Superseded revisions are what is looked for.
    '--etcd-compaction-interval=0',
    '--storage-media-type=application/vnd.kubernetes.protobuf',
    ...(files.encryption === undefined ? [] : [`--encryption-provider-config=${files.encryption}`]),
    ...(serviceRanges === undefined ? [] : [`--service-cluster-ip-range=${serviceRanges}`]),
    // It calls nobody: not even to ask whether it may.
    `--egress-selector-config-file=${files.egress}`,
    '--disable-admission-plugins=MutatingAdmissionWebhook,ValidatingAdmissionWebhook',
    // It writes as little by itself as can be had.
    '--endpoint-reconciler-type=none',
    '--enable-priority-and-fairness=false',
    // What the cluster took, it takes too.
    '--allow-privileged=true',
    '--profiling=false',
  ];
}

/** Throws API_SERVER_FAILED with its last words, or where no port is free. */
export async function startApiServer(
  program: ApiServerProgram,
  { files, certificates }: ApiMaterial,
  facts: StoreFacts,
  directory: SandboxDirectory,
  signal: AbortSignal,
): Promise<ApiServer> {
  for (let starts = 1; ; starts++) {
    const port = await freePort().catch((cause: unknown) => {
      const message = 'There is no free port on 127.0.0.1 for an API server.';
      throw new LockstepError('API_SERVER_FAILED', { message, cause });
    });
    const url = `https://127.0.0.1:${port}`;
    using client = new InsideClient(url, certificates);
    try {
      const process = await SandboxProcess.start(
        {
          name: 'kube-apiserver',
          program: program.path,
          args: apiServerWords(files, facts, port),
          directory: directory.path,
          startTimeoutMs: START_TIMEOUT_MS,
          // It has nothing to keep; asked politely it would wait for whoever watches.
          stopSignal: 'SIGKILL',
          serves: (_pid, within) => isReady(client, within),
          failure: 'API_SERVER_FAILED',
        },
        signal,
      );
      return {
        process,
        url,
        kubeconfig: await directory.write('kubeconfig', kubeconfig(certificates, url)),
        [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
      };
    } catch (thrown) {
      const taken = thrown instanceof LockstepError && thrown.message.includes('address already in use');
      if (!taken || starts === MAX_STARTS) throw thrown;
    }
  }
}

/** All that it does at its start has been done. */
async function isReady(client: InsideClient, signal: AbortSignal): Promise<boolean> {
  return await client.ask('GET', READY_PATH, signal).then(
    ({ status }) => status === 200,
    () => false,
  );
}

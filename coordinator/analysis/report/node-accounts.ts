import type { VisitEntry } from '@lockstep/shared/evidence-archive/read.ts';
import { at, listOf, textOf } from '@lockstep/shared/kubernetes/stored-object.ts';

/** What the agents say themselves of what they saw, by the name of the file in the archive. */
const WANTED = [
  'static-pods/static-pods.json',
  'listeners/listeners.json',
  'kubelet/kubeconfigs.json',
  'kubelet/certificates.json',
  'api-server/api-server.json',
  'ssh-keys/ssh-keys.json',
] as const;

/** More than any of them is on a busy node. */
const MAX_ACCOUNT_BYTES = 32 * 1024 * 1024;

export interface KeyOnRecord {
  readonly path: string;
  /** "service-account-signing", "kubeconfig", "certificate". */
  readonly purpose: string;
  readonly fingerprint: string;
  readonly about: string;
  readonly validTo: string;
}

/** What of an archive the report goes by. Every word of it is the node's, which may be an enemy's. */
export interface NodeAccounts {
  readonly staticPodsWithoutManifest: readonly string[];
  readonly manifests: readonly { readonly path: string; readonly pod: string; readonly sha256: string }[];
  readonly listeners: readonly {
    readonly at: string;
    readonly process: string;
    readonly executable: string;
  }[];
  readonly kubeconfigs: readonly KeyOnRecord[];
  readonly certificates: readonly KeyOnRecord[];
  readonly serviceAccountKeys: readonly KeyOnRecord[];
  readonly encryptionKeys: readonly KeyOnRecord[];
  readonly sshKeys: readonly KeyOnRecord[];
}

/** Takes what is wanted of an archive as it is read. */
export class AccountReader {
  readonly #texts = new Map<string, Buffer[]>();
  readonly #sizes = new Map<string, number>();

  readonly visit: VisitEntry = ({ name, sizeBytes }) => {
    if (!(WANTED as readonly string[]).includes(name) || sizeBytes > MAX_ACCOUNT_BYTES) return undefined;
    const parts: Buffer[] = [];
    this.#texts.set(name, parts);
    this.#sizes.set(name, sizeBytes);
    return (bytes) => parts.push(Buffer.from(bytes));
  };

  accounts(): NodeAccounts {
    const statics = this.#read('static-pods/static-pods.json');
    const apiServer = this.#read('api-server/api-server.json');
    const pems = listOf(at(apiServer, 'certificatesAndKeys'));
    const saPaths = [
      ...listOf(at(apiServer, 'files', 'service-account-signing-key-file')),
      ...listOf(at(apiServer, 'files', 'service-account-key-file')),
    ].map(textOf);
    return {
      staticPodsWithoutManifest: listOf(at(statics, 'runningWithoutManifest')).map((each) =>
        textOf(at(each, 'pod')),
      ),
      manifests: listOf(at(statics, 'manifests')).map((each) => ({
        path: textOf(at(each, 'path')),
        pod: textOf(at(each, 'pod')),
        sha256: textOf(at(each, 'sha256')),
      })),
      listeners: listOf(this.#read('listeners/listeners.json')).map((each) => {
        const process = listOf(at(each, 'processes'))[0];
        return {
          at: `${textOf(at(each, 'protocol'))} ${textOf(at(each, 'address'))}:${Number(at(each, 'port'))}`,
          process: textOf(at(process, 'command')),
          executable: textOf(at(process, 'executable')),
        };
      }),
      kubeconfigs: listOf(this.#read('kubelet/kubeconfigs.json')).flatMap((file) =>
        listOf(at(file, 'holds', 'users')).flatMap((user) =>
          certificatesIn(
            at(user, 'clientCertificate'),
            textOf(at(file, 'path')),
            `kubeconfig of ${textOf(at(user, 'name'))}`,
          ),
        ),
      ),
      certificates: [
        ...listOf(this.#read('kubelet/certificates.json')).flatMap((file) =>
          certificatesIn(at(file, 'holds'), textOf(at(file, 'path')), 'kubelet certificate'),
        ),
        ...pems.flatMap((file) =>
          certificatesIn(at(file, 'holds'), textOf(at(file, 'path')), 'API server certificate'),
        ),
      ],
      serviceAccountKeys: pems
        .filter((file) => saPaths.includes(textOf(at(file, 'path'))))
        .flatMap((file) => keysIn(at(file, 'holds'), textOf(at(file, 'path')))),
      encryptionKeys: listOf(at(apiServer, 'encryption')).flatMap((file) =>
        listOf(at(file, 'holds', 'keys'))
          .filter((key) => textOf(at(key, 'provider')) !== 'identity')
          .map((key) => ({
            path: textOf(at(file, 'path')),
            purpose: 'encryption at rest',
            fingerprint: textOf(at(key, 'fingerprintSha256')),
            about: `${textOf(at(key, 'provider'))} ${textOf(at(key, 'keyName'))}`,
            validTo: '',
          })),
      ),
      sshKeys: listOf(this.#read('ssh-keys/ssh-keys.json')).flatMap((file) =>
        listOf(at(file, 'keys')).map((key) => ({
          path: textOf(at(file, 'path')),
          purpose: 'SSH access',
          fingerprint: textOf(at(key, 'fingerprint')),
          about: [textOf(at(key, 'type')), textOf(at(key, 'comment'))].filter(Boolean).join(' '),
          validTo: '',
        })),
      ),
    };
  }

  /** Undefined where it is not there, or not whole, or no JSON: whatever it is, it is no reason to fail. */
  #read(name: (typeof WANTED)[number]): unknown {
    const parts = this.#texts.get(name);
    if (parts === undefined) return undefined;
    const bytes = Buffer.concat(parts);
    if (bytes.length !== this.#sizes.get(name)) return undefined;
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch {
      return undefined;
    }
  }
}

function certificatesIn(holds: unknown, path: string, purpose: string): KeyOnRecord[] {
  return listOf(at(holds, 'certificates')).map((each) => ({
    path,
    purpose,
    fingerprint: textOf(at(each, 'sha256')),
    about: textOf(at(each, 'subject')).replaceAll('\n', ', '),
    validTo: textOf(at(each, 'validTo')),
  }));
}

function keysIn(holds: unknown, path: string): KeyOnRecord[] {
  return listOf(at(holds, 'keys')).map((each) => ({
    path,
    purpose: 'signs service account tokens',
    fingerprint: textOf(at(each, 'publicKeySha256')),
    about: textOf(at(each, 'type')),
    validTo: '',
  }));
}

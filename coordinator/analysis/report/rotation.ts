import type { EncryptionPrefix } from '@lockstep/shared/kubernetes/envelope.ts';
import { at, textOf } from '@lockstep/shared/kubernetes/stored-object.ts';
import type { Finding } from '../findings/finding.ts';
import type { LiveObject } from '../live.ts';
import type { KeyOnRecord, NodeAccounts } from './node-accounts.ts';

/** `now`: a finding touches it. `soon`: whoever read the store or a node had it. `check`: look who uses it. */
export type Urgency = 'now' | 'soon' | 'check';

export interface RotationItem {
  readonly name: string;
  readonly detail: string;
  /** A finding speaks of it. */
  readonly found: boolean;
}

/** One sort of key or token, and what to do about it. */
export interface Rotation {
  readonly title: string;
  readonly urgency: Urgency;
  readonly why: string;
  readonly how: string;
  /** A command that shows them again, FILE being the store; empty where the archives show them. */
  readonly check: string;
  readonly items: readonly RotationItem[];
}

/** Resources that `StoredKeys` wants to see. */
export const KEY_RESOURCES: ReadonlySet<string> = new Set([
  'secrets',
  'certificatesigningrequests.certificates.k8s.io',
  'serviceaccounts',
]);

const TOKEN = 'kubernetes.io/service-account-token';
const BOOTSTRAP = 'bootstrap.kubernetes.io/token';
const DOCKER = new Set(['kubernetes.io/dockerconfigjson', 'kubernetes.io/dockercfg']);
const TLS = 'kubernetes.io/tls';
const CLIENT_SIGNERS = new Set([
  'kubernetes.io/kube-apiserver-client',
  'kubernetes.io/kube-apiserver-client-kubelet',
  'kubernetes.io/legacy-unknown',
]);

interface Kept {
  readonly name: string;
  readonly detail: string;
}

/** Given the current objects one by one, which of them let somebody in. Values are never looked at. */
export class StoredKeys {
  readonly #tokens: Kept[] = [];
  readonly #bootstrap: Kept[] = [];
  readonly #docker: Kept[] = [];
  readonly #tls: Kept[] = [];
  readonly #others: Kept[] = [];
  readonly #clientCertificates: Kept[] = [];
  readonly #closed: Kept[] = [];
  #plainSecrets = 0;

  take({ resource, namespace, name, decoded }: LiveObject): void {
    if (resource === 'secrets') {
      if (decoded.form !== 'object') {
        const detail = decoded.form === 'encrypted' ? keyText(decoded.prefix) : 'it cannot be decoded';
        this.#closed.push({ name: `${namespace}/${name}`, detail });
        return;
      }
      if (decoded.decrypted === undefined) this.#plainSecrets += 1;
      this.#secret(`${namespace}/${name}`, decoded.object);
    }
    if (resource === 'certificatesigningrequests.certificates.k8s.io' && decoded.form === 'object') {
      const signer = textOf(at(decoded.object, 'spec', 'signerName'));
      const issued = at(decoded.object, 'status', 'certificate') !== undefined;
      if (issued && CLIENT_SIGNERS.has(signer)) {
        const user = textOf(at(decoded.object, 'spec', 'username'));
        this.#clientCertificates.push({ name, detail: `for ${user}, by ${signer}` });
      }
    }
  }

  #secret(name: string, object: unknown): void {
    const type = textOf(at(object, 'type'));
    const keys = Object.keys((at(object, 'data') as object | undefined) ?? {}).length;
    if (type === TOKEN) {
      const account = textOf(at(object, 'metadata', 'annotations', 'kubernetes.io/service-account.name'));
      this.#tokens.push({ name, detail: `of service account ${account}; it does not expire` });
    } else if (type === BOOTSTRAP) this.#bootstrap.push({ name, detail: 'joins nodes to the cluster' });
    else if (DOCKER.has(type)) this.#docker.push({ name, detail: 'for a registry of images' });
    else if (type === TLS) this.#tls.push({ name, detail: 'a certificate with its private key' });
    else
      this.#others.push({ name, detail: `${type || 'Opaque'}, ${keys} ${keys === 1 ? 'value' : 'values'}` });
  }

  /** What to rotate, most urgent first, with what the nodes' own keys add. */
  result(
    findings: readonly Finding[],
    nodes: readonly { readonly node: string; readonly accounts: NodeAccounts }[],
  ): Rotation[] {
    const named = new Set(
      findings.flatMap(({ objects }) => objects.map(({ namespace, name }) => `${namespace}/${name}`)),
    );
    const items = (kept: readonly Kept[]): RotationItem[] =>
      kept.map((each) => ({ ...each, found: named.has(each.name) || named.has(`/${each.name}`) }));
    const urgencyOf = (list: readonly RotationItem[], otherwise: Urgency): Urgency =>
      list.some(({ found }) => found) ? 'now' : otherwise;
    const group = (
      title: string,
      kept: readonly Kept[],
      otherwise: Urgency,
      words: Pick<Rotation, 'why' | 'how' | 'check'>,
    ): Rotation => {
      const list = items(kept);
      return { title, urgency: urgencyOf(list, otherwise), items: list, ...words };
    };
    const ofNodes = (pick: (accounts: NodeAccounts) => readonly KeyOnRecord[]): Kept[] =>
      nodes.flatMap(({ node, accounts }) => pick(accounts).map((key) => keptOf(node, key)));
    const grave = findings.some(({ severity }) => severity === 'critical' || severity === 'high');
    const rotations: Rotation[] = [
      group('Service account tokens kept as secrets', this.#tokens, 'soon', {
        why: 'Such a token opens the API until its secret is deleted. After a restore, one that was deleted since lives again.',
        how: 'Delete the secret, or the service account where nobody knows it; workloads get short-lived tokens by themselves.',
        check: 'lockstep inspect keys FILE --resource secrets',
      }),
      group('Bootstrap tokens', this.#bootstrap, 'soon', {
        why: 'Whoever has one joins a machine of their own to the cluster.',
        how: 'kubeadm token list; kubeadm token delete ID.',
        check: 'lockstep inspect keys FILE --resource secrets --namespace kube-system',
      }),
      group('Client certificates that the cluster issued', this.#clientCertificates, 'check', {
        why: 'The API server checks no revocation: a certificate is good until it expires, or the CA is replaced.',
        how: 'Take the bindings of users that nobody knows away at once; replace the CA where one of them was a cluster administrator.',
        check: 'lockstep inspect keys FILE --resource certificatesigningrequests',
      }),
      group(
        'Kubeconfigs on the nodes',
        ofNodes(({ kubeconfigs }) => kubeconfigs),
        grave ? 'soon' : 'check',
        {
          why: 'Whoever was root on a node could read them; admin.conf and super-admin.conf are cluster administrators.',
          how: 'kubeadm certs renew admin.conf (and the others), and the CA where the old ones must stop working.',
          check: 'lockstep evidence show ARCHIVE',
        },
      ),
      group(
        'Keys that sign service account tokens',
        ofNodes(({ serviceAccountKeys }) => serviceAccountKeys),
        grave ? 'soon' : 'check',
        {
          why: 'With this key anyone makes a token of any account, and no log shows that it was made.',
          how: 'Add a new key to --service-account-key-file and sign with it, restart workloads, then take the old one off.',
          check: 'lockstep evidence show ARCHIVE',
        },
      ),
      group(
        'Keys of encryption at rest',
        ofNodes(({ encryptionKeys }) => encryptionKeys),
        grave ? 'soon' : 'check',
        {
          why: 'They open every snapshot that was ever taken under them.',
          how: 'Put a new key first, restart the API servers, rewrite all secrets (kubectl get secrets -A -o json | kubectl replace -f -), then take the old one off.',
          check: 'lockstep evidence show ARCHIVE',
        },
      ),
      group(
        'Certificates and CAs on the nodes',
        ofNodes(({ certificates }) => certificates),
        'check',
        {
          why: 'Their keys lie beside them on the nodes that were gathered from.',
          how: 'kubeadm certs renew all; for the CAs follow the manual rotation of Kubernetes.',
          check: 'lockstep evidence show ARCHIVE',
        },
      ),
      group(
        'SSH keys that open the nodes',
        ofNodes(({ sshKeys }) => sshKeys),
        'check',
        {
          why: 'A key that was added stays, whatever is restored.',
          how: 'Compare with those that you gave out; take the others off authorized_keys.',
          check: 'lockstep evidence show ARCHIVE',
        },
      ),
      group('Credentials of image registries', this.#docker, 'soon', {
        why: 'Who has them pulls, and often pushes, your images.',
        how: 'Change them at the registry, then in the cluster.',
        check: 'lockstep inspect keys FILE --resource secrets',
      }),
      group('TLS keys of services', this.#tls, 'soon', {
        why: 'Who has them poses as the service.',
        how: 'Have the certificates reissued with new keys, and the old ones revoked where clients check that.',
        check: 'lockstep inspect keys FILE --resource secrets',
      }),
      group('Secrets that could not be opened', this.#closed, 'check', {
        why: 'Tokens and keys of any sort may be among them: of an encrypted secret only its name shows.',
        how: 'Make the report again with --encryption-config: they are then told by what they are.',
        check: 'lockstep inspect keys FILE --resource secrets',
      }),
      group('Other secrets', this.#others, 'check', {
        why: this.#whyOthers(),
        how: 'Change what each of them opens, where it was issued.',
        check: 'lockstep inspect keys FILE --resource secrets',
      }),
    ].filter(({ items: list }) => list.length > 0);
    const order: readonly Urgency[] = ['now', 'soon', 'check'];
    return rotations.sort((a, b) => order.indexOf(a.urgency) - order.indexOf(b.urgency));
  }

  #whyOthers(): string {
    if (this.#plainSecrets === 0)
      return 'They are encrypted in the store; whoever had the key, or the API, read them.';
    return 'They lie in the store as plain text: whoever read it, or any copy of it, has them.';
  }
}

function keyText({ provider, keyName }: EncryptionPrefix): string {
  return `encrypted by ${provider} with the key ${keyName}`;
}

function keptOf(node: string, { path, about, fingerprint, validTo }: KeyOnRecord): Kept {
  const until = validTo === '' ? '' : `valid until ${validTo.slice(0, 10)}`;
  const print = fingerprint.startsWith('SHA256:')
    ? fingerprint
    : fingerprint === ''
      ? ''
      : `sha256 ${fingerprint.slice(0, 16)}…`;
  return { name: `${node}:${path}`, detail: [about, until, print].filter(Boolean).join(', ') };
}

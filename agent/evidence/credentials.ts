import { createPublicKey, X509Certificate } from 'node:crypto';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import {
  fingerprints,
  parseEncryptionConfiguration,
} from '@lockstep/shared/kubernetes/encryption-configuration.ts';
import { parseFirstDocument } from '@lockstep/shared/kubernetes/yaml.ts';

/**
 * What may be told of files that hold keys: which key it is, never the key. What a person chose (a
 * password, a token of few letters) is not even digested: a digest of it could be guessed at.
 */

const PEM_BLOCK = /-----BEGIN (?<kind>[A-Z0-9 ]+)-----[\s\S]+?-----END \k<kind>-----/gu;
/** A bundle of a distribution's CAs holds a few hundred. */
const MAX_BLOCKS = 64;

export interface PemAccount {
  readonly certificates: readonly {
    readonly subject: string;
    readonly issuer: string;
    readonly serialNumber: string;
    readonly validFrom: string;
    readonly validTo: string;
    readonly names: string;
    readonly certificateAuthority: boolean;
    /** Of the DER: what `openssl x509 -fingerprint -sha256` prints. */
    readonly sha256: string;
    /** Of the public key (SPKI, DER): the same for a key and all of its certificates. */
    readonly publicKeySha256: string;
  }[];
  /** Of the public half; the private half is nowhere. */
  readonly keys: readonly {
    readonly kind: string;
    readonly type: string;
    readonly publicKeySha256: string;
  }[];
  /** Blocks that are neither, or do not read. */
  readonly other: readonly string[];
}

/** The certificates and keys of a PEM file. */
export function accountOfPem(text: string): PemAccount {
  const certificates: PemAccount['certificates'][number][] = [];
  const keys: PemAccount['keys'][number][] = [];
  const other: string[] = [];
  for (const block of [...text.matchAll(PEM_BLOCK)].slice(0, MAX_BLOCKS)) {
    const kind = block.groups?.['kind'] ?? '';
    try {
      if (kind === 'CERTIFICATE') {
        const one = new X509Certificate(block[0]);
        certificates.push({
          subject: one.subject,
          issuer: one.issuer,
          serialNumber: one.serialNumber,
          validFrom: one.validFromDate.toISOString(),
          validTo: one.validToDate.toISOString(),
          names: one.subjectAltName ?? '',
          certificateAuthority: one.ca,
          sha256: sha256Hex(one.raw),
          publicKeySha256: sha256Hex(one.publicKey.export({ type: 'spki', format: 'der' })),
        });
      } else if (kind !== 'EC PARAMETERS') {
        const key = createPublicKey(block[0]);
        keys.push({
          kind: kind.toLowerCase(),
          type: key.asymmetricKeyType ?? '',
          publicKeySha256: sha256Hex(key.export({ type: 'spki', format: 'der' })),
        });
      }
    } catch {
      other.push(kind.toLowerCase());
    }
  }
  return { certificates, keys, other };
}

/** A kubeconfig's servers, names and the certificates that it holds or names. Throws where it is no YAML. */
export function accountOfKubeconfig(text: string): unknown {
  const document = readYaml(text);
  return {
    currentContext: textOf(document['current-context']),
    clusters: listOf(document['clusters']).map((each) => {
      const cluster = recordOf(each['cluster']);
      return {
        name: textOf(each['name']),
        server: textOf(cluster['server']),
        insecureSkipTlsVerify: cluster['insecure-skip-tls-verify'] === true,
        certificateAuthority:
          pemData(cluster['certificate-authority-data']) ?? textOf(cluster['certificate-authority']),
      };
    }),
    contexts: listOf(document['contexts']).map((each) => {
      const context = recordOf(each['context']);
      return {
        name: textOf(each['name']),
        cluster: textOf(context['cluster']),
        user: textOf(context['user']),
        namespace: textOf(context['namespace']),
      };
    }),
    users: listOf(document['users']).map((each) => {
      const user = recordOf(each['user']);
      const exec = recordOf(user['exec']);
      return {
        name: textOf(each['name']),
        clientCertificate: pemData(user['client-certificate-data']) ?? textOf(user['client-certificate']),
        clientKey: pemData(user['client-key-data']) ?? textOf(user['client-key']),
        token: user['token'] === undefined ? '' : 'present',
        tokenFile: textOf(user['tokenFile']),
        password: user['password'] === undefined ? '' : 'present',
        username: textOf(user['username']),
        execCommand: textOf(exec['command']),
        impersonates: textOf(user['as']),
      };
    }),
  };
}

/** Which provider encrypts what, with keys of which names: names and fingerprints alone. */
export function accountOfEncryption(text: string): unknown {
  const configuration = parseEncryptionConfiguration(text);
  return {
    rules: configuration.rules.map(({ resources, providers }) => ({
      resources,
      providers: providers.map(({ provider, keys, pluginName }) => ({
        provider,
        keyNames: keys.map(({ name }) => name),
        pluginName,
      })),
    })),
    keys: fingerprints(configuration),
  };
}

/** A YAML mapping; an empty one where the text is another thing. Throws where it is broken, and quotes none of it. */
export function readYaml(text: string): Record<string, unknown> {
  return recordOf(parseFirstDocument(text));
}

function pemData(value: unknown): PemAccount | undefined {
  return typeof value === 'string' && value !== ''
    ? accountOfPem(Buffer.from(value, 'base64').toString('utf8'))
    : undefined;
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(recordOf) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

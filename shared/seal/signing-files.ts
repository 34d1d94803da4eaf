import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LockstepError } from '../errors/lockstep-error.ts';
import type { SigningReport } from '../generated/lockstep/v1/snapshot.ts';
import { type Identity, identityUri } from '../tls/identity.ts';
import { certificatesIn } from '../tls/material.ts';
import { identityOf, isCurrent } from '../tls/peer.ts';
import { type Authority, belongsTo, isForSigning, type SigningIdentity } from './seal.ts';

/** Real paths. `keyFile` is 0600. */
export interface SigningFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Where `lockstep init` puts them: beside the TLS files. */
export function signingFilesBeside(tlsCertFile: string): SigningFiles {
  const directory = dirname(tlsCertFile);
  return { certFile: join(directory, 'signing.crt'), keyFile: join(directory, 'signing.key') };
}

/**
 * Read anew each time, so that a renewed identity needs no restart. Throws
 * SIGNING_IDENTITY_MISSING where there is none that can sign in this name now.
 */
export async function readSigningIdentity(
  files: SigningFiles,
  expected: Identity,
  nowMs: number,
): Promise<SigningIdentity> {
  let certificate: X509Certificate;
  let privateKey: SigningIdentity['privateKey'];
  try {
    const [certPem, keyPem] = await Promise.all([readFile(files.certFile), readFile(files.keyFile)]);
    certificate = new X509Certificate(certPem);
    privateKey = createPrivateKey(keyPem);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw none(
      missing
        ? `There is no ${files.certFile} with its key.`
        : `${files.certFile} or its key cannot be read.`,
      cause,
    );
  }
  const identity = identityOf(certificate);
  const named = identity === undefined ? 'nobody' : identityUri(identity);
  if (identity === undefined || named !== identityUri(expected)) {
    throw none(`${files.certFile} is of ${named}, not of ${identityUri(expected)}.`);
  }
  if (!isForSigning(certificate)) throw none(`${files.certFile} is no certificate for signing.`);
  if (!belongsTo(privateKey, certificate))
    throw none(`${files.keyFile} is not the key of ${files.certFile}.`);
  if (!isCurrent(certificate, nowMs)) {
    throw none(
      `${files.certFile} is valid from ${certificate.validFrom} to ${certificate.validTo}, not now.`,
    );
  }
  return { identity, certificate, privateKey };
}

/** Whether it can sign, and if not, why: for `doctor`. Never throws. */
export async function reportSigning(
  files: SigningFiles,
  expected: Identity,
  nowMs: number,
): Promise<SigningReport> {
  try {
    const { identity, certificate } = await readSigningIdentity(files, expected, nowMs);
    return {
      signer: identityUri(identity),
      validUntil: certificate.validToDate.toISOString(),
      problem: '',
    };
  } catch (error) {
    return { signer: '', validUntil: '', problem: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * The CAs that seals are held against: this cluster's, and that of each other cluster whose
 * snapshots are taken here, as `trusted/CLUSTER.crt` beside it. They are read anew each time: who
 * puts a file there needs no restart. Throws CONFIG_INVALID.
 */
export async function readAuthorities(cluster: string, caFile: string): Promise<Authority[]> {
  const directory = join(dirname(caFile), 'trusted');
  const names = await readdir(directory).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw new LockstepError('CONFIG_INVALID', { message: `${directory} cannot be read.`, cause });
  });
  const others = names
    .filter((name) => name.endsWith('.crt'))
    .map((name) => name.slice(0, -'.crt'.length))
    // Nobody vouches for this cluster but its own CA.
    .filter((name) => name !== cluster);
  return Promise.all([
    readAuthority(cluster, caFile),
    // One that cannot be read vouches for nobody; that must not stop what the others vouch for.
    ...others.map((name) =>
      readAuthority(name, join(directory, `${name}.crt`)).catch(() => ({ cluster: name, certificates: [] })),
    ),
  ]);
}

/** The CA of one cluster; several certificates where it is being replaced. Throws CONFIG_INVALID. */
export async function readAuthority(cluster: string, caFile: string): Promise<Authority> {
  try {
    return { cluster, certificates: certificatesIn(await readFile(caFile)) };
  } catch (cause) {
    throw new LockstepError('CONFIG_INVALID', {
      message: `The CA certificate ${caFile} cannot be read.`,
      cause,
    });
  }
}

function none(message: string, cause?: unknown): LockstepError {
  return new LockstepError('SIGNING_IDENTITY_MISSING', { message, cause });
}

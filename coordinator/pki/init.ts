import { X509Certificate } from 'node:crypto';
import { join, resolve } from 'node:path';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { type Identity, identityUri, parseIdentityUri, type Role } from '@lockstep/shared/tls/identity.ts';
import {
  generatePrivateKeyPem,
  generateSigningKeyPem,
  type KeyPair,
  type LeafRequest,
  selfSign,
  signLeaf,
  type Validity,
} from './certificates.ts';
import { agentYaml, commandLineYaml, coordinatorYaml, natsConf } from './configurations.ts';
import { type Placed, placed } from './endpoint.ts';
import { type FilesWritten, NewFiles, readIfPresent } from './new-files.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

export const CA_VALID_DAYS = 3_650;
/** docs/decisions/lifetimes-of-certificates.md says why not one. */
export const LEAF_VALID_DAYS = 1_095;
/** As long as the CA: a card is judged by the day it was sealed, and nobody should stop sealing unnoticed. */
export const SIGNING_VALID_DAYS = CA_VALID_DAYS;
/** A node whose clock is behind must still take a certificate made just now. */
const BACKDATE_MS = 60 * 60 * 1_000;

export const AGENT_PORT = 7443;
export const COORDINATOR_PORT = 7444;
export const NATS_PORT = 4222;

export interface PkiRequest {
  readonly cluster: string;
  readonly outDir: string;
  readonly agents: readonly Placed[];
  /** Agents of hosts where etcd is a unit of systemd. */
  readonly etcdHosts?: readonly Placed[];
  readonly coordinators: readonly Placed[];
  readonly operators: readonly string[];
  /** NATS servers; none: Lockstep works from its node list. */
  readonly nats?: readonly Placed[];
  readonly leafValidDays?: number;
  readonly nowMs: number;
}

/**
 * Makes a cluster's CA, an identity for each program and person, and a configuration beside
 * each. What is there already is never replaced, so running it again with more nodes adds those.
 * Throws CONFIG_INVALID where a name is not one or a directory holds half an identity.
 */
export async function initPki(request: PkiRequest): Promise<FilesWritten> {
  const out = resolve(request.outDir);
  const { cluster, nowMs } = request;
  const etcdHosts = (request.etcdHosts ?? []).map((host) => placed(host, AGENT_PORT));
  const agents = [...request.agents.map((agent) => placed(agent, AGENT_PORT)), ...etcdHosts];
  const coordinators = request.coordinators.map((coordinator) => placed(coordinator, COORDINATOR_PORT));
  const nats = (request.nats ?? []).map((server) => placed(server, NATS_PORT));
  checkNames(cluster, [
    ...agents.map(({ name }) => ['agent', name] as const),
    ...coordinators.map(({ name }) => ['coordinator', name] as const),
    ...nats.map(({ name }) => ['nats', name] as const),
    ...request.operators.map((name) => ['operator', name] as const),
  ]);

  const files = new NewFiles();
  const validity = validFor(nowMs, request.leafValidDays ?? LEAF_VALID_DAYS);
  const authority = await ensureAuthority(files, out, cluster, validFor(nowMs, CA_VALID_DAYS));
  const identity = (directory: string, leaf: Omit<LeafRequest, 'validity'>): Promise<void> =>
    ensureIdentity(files, join(out, directory), authority, { ...leaf, validity });

  const signing = (directory: string, bearer: Identity): Promise<void> =>
    ensureKeyPair(files, join(out, directory, 'signing'), generateSigningKeyPem, authority, {
      bearer,
      hosts: [],
      usages: ['signing'],
      validity: validFor(nowMs, SIGNING_VALID_DAYS),
    });

  for (const agent of agents) {
    const directory = join('agents', agent.name);
    const bearer = { cluster, role: 'agent', name: agent.name } as const;
    await identity(directory, { bearer, hosts: [agent.host], usages: ['server', 'client'] });
    await signing(directory, bearer);
    const hosting = etcdHosts.includes(agent) ? 'systemd' : 'static-pod';
    const content = agentYaml(cluster, agent, hosting, nats);
    await files.ensureText(join(out, directory, 'agent.yaml'), 0o644, content);
  }
  for (const coordinator of coordinators) {
    const directory = join('coordinators', coordinator.name);
    const bearer = { cluster, role: 'coordinator', name: coordinator.name } as const;
    await identity(directory, { bearer, hosts: [coordinator.host], usages: ['server', 'client'] });
    await signing(directory, bearer);
    await files.ensureText(
      join(out, directory, 'coordinator.yaml'),
      0o644,
      coordinatorYaml(cluster, coordinator, agents, nats),
    );
  }
  for (const name of request.operators) {
    await identity(join('operators', name), {
      bearer: { cluster, role: 'operator', name },
      hosts: [],
      usages: ['client'],
    });
  }
  for (const server of nats) {
    const directory = join('nats', server.name);
    await identity(directory, {
      bearer: { role: 'nats', cluster, name: server.name },
      hosts: [server.host],
      usages: ['server', 'client'],
    });
    await files.ensureText(
      join(out, directory, 'nats.conf'),
      0o644,
      natsConf({ cluster, server, servers: nats, agents, coordinators, operators: request.operators }),
    );
  }
  const [coordinator, ...standbys] = coordinators;
  const [operator] = request.operators;
  if (coordinator !== undefined && operator !== undefined) {
    const content = commandLineYaml(cluster, coordinator, standbys, join(out, 'operators', operator));
    await files.ensureText(join(out, 'config.yaml'), 0o600, content);
  }
  return files.written;
}

/** What the configurations of agents and coordinators take as a name. */
const PROGRAM_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

function checkNames(cluster: string, names: readonly (readonly [Role | 'nats', string])[]): void {
  const seen = new Set<string>();
  for (const [role, name] of names) {
    const named = parseIdentityUri(
      identityUri({ cluster, role: role === 'nats' ? 'coordinator' : role, name }),
    );
    if (named === undefined || (role !== 'operator' && !PROGRAM_NAME.test(name))) {
      throw new LockstepError('CONFIG_INVALID', {
        message: `"${cluster}" or "${name}" is no name: letters, digits, ".", "-", "_", and "@" for persons; a cluster’s is lower case.`,
      });
    }
    if (seen.has(`${role} ${name}`)) {
      throw new LockstepError('CONFIG_INVALID', { message: `${role} ${name} is named twice.` });
    }
    seen.add(`${role} ${name}`);
  }
}

function validFor(nowMs: number, days: number): Validity {
  return { notBefore: new Date(nowMs - BACKDATE_MS), notAfter: new Date(nowMs + days * DAY_MS) };
}

async function ensureAuthority(
  files: NewFiles,
  out: string,
  cluster: string,
  validity: Validity,
): Promise<KeyPair> {
  const certificateFile = join(out, 'ca.crt');
  const keyFile = join(out, 'ca.key');
  await refuseOrphan(certificateFile, keyFile);
  const privateKeyPem = await files.ensure(keyFile, 0o600, generatePrivateKeyPem);
  const certificatePem = await files.ensure(certificateFile, 0o644, () =>
    selfSign(cluster, privateKeyPem, validity),
  );
  const expected = `CN=${cluster} CA`;
  if (!new X509Certificate(certificatePem).subject.split('\n').includes(expected)) {
    throw new LockstepError('CONFIG_INVALID', {
      message: `${certificateFile} is the CA of another cluster than ${cluster}.`,
    });
  }
  return { certificatePem, privateKeyPem };
}

async function ensureIdentity(
  files: NewFiles,
  directory: string,
  authority: KeyPair,
  leaf: LeafRequest,
): Promise<void> {
  await files.ensure(join(directory, 'ca.crt'), 0o644, () => authority.certificatePem);
  await ensureKeyPair(files, join(directory, 'tls'), generatePrivateKeyPem, authority, leaf);
}

/** `stem`.key and `stem`.crt. */
async function ensureKeyPair(
  files: NewFiles,
  stem: string,
  generate: () => Promise<string>,
  authority: KeyPair,
  leaf: LeafRequest,
): Promise<void> {
  const certificateFile = `${stem}.crt`;
  const keyFile = `${stem}.key`;
  await refuseOrphan(certificateFile, keyFile);
  const privateKeyPem = await files.ensure(keyFile, 0o600, generate);
  await files.ensure(certificateFile, 0o644, () => signLeaf(authority, privateKeyPem, leaf));
}

/** A key without a certificate is a run that was cut short and is completed; the reverse is a loss. */
async function refuseOrphan(certificateFile: string, keyFile: string): Promise<void> {
  if ((await readIfPresent(keyFile)) !== undefined || (await readIfPresent(certificateFile)) === undefined)
    return;
  throw new LockstepError('CONFIG_INVALID', {
    message: `${certificateFile} is there but its key ${keyFile} is not; put the key back, or remove the certificate to have both made anew.`,
  });
}

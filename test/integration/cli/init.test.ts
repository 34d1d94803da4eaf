import { X509Certificate } from 'node:crypto';
import { lstat, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCurrent } from '@lockstep/shared/tls/peer.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { lockstep } from './command-line.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-init-'));
});
afterEach(() => rm(directory, { recursive: true }));

const init = (...more: string[]) =>
  lockstep(['init', '--cluster', 'prod', '--out', join(directory, 'pki'), '-o', 'json', ...more]);

const BASE = ['--agent', 'cp1=10.0.0.1', '--coordinator', 'bastion=10.0.0.100', '--operator', 'ada'];

/** Every file with its inode, mode, time and content. */
async function tree(): Promise<Record<string, string>> {
  const root = join(directory, 'pki');
  const found: Record<string, string> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { ino, mode, mtimeMs } = await lstat(path);
    found[path.slice(root.length + 1)] =
      `${ino} ${(mode & 0o777).toString(8)} ${mtimeMs} ${await readFile(path, 'utf8')}`;
  }
  return found;
}

test('each program and person has an identity of its own, and keys are their owner’s alone', async () => {
  expect((await init(...BASE)).exit).toBe(0);
  const files = await tree();
  expect(Object.keys(files).sort()).toEqual([
    'agents/cp1/agent.yaml',
    'agents/cp1/ca.crt',
    'agents/cp1/signing.crt',
    'agents/cp1/signing.key',
    'agents/cp1/tls.crt',
    'agents/cp1/tls.key',
    'ca.crt',
    'ca.key',
    'config.yaml',
    'coordinators/bastion/ca.crt',
    'coordinators/bastion/coordinator.yaml',
    'coordinators/bastion/signing.crt',
    'coordinators/bastion/signing.key',
    'coordinators/bastion/tls.crt',
    'coordinators/bastion/tls.key',
    'operators/ada/ca.crt',
    'operators/ada/tls.crt',
    'operators/ada/tls.key',
  ]);
  const keys = Object.entries(files).filter(([path]) => path.endsWith('.key'));
  expect(keys.map(([, found]) => found.split(' ')[1])).toEqual(Array(6).fill('600'));
  const ca = new X509Certificate(await readFile(join(directory, 'pki/ca.crt')));
  const agent = new X509Certificate(await readFile(join(directory, 'pki/agents/cp1/tls.crt')));
  const signing = new X509Certificate(await readFile(join(directory, 'pki/agents/cp1/signing.crt')));
  const operator = new X509Certificate(await readFile(join(directory, 'pki/operators/ada/tls.crt')));
  expect(ca.ca).toBe(true);
  expect(agent.ca).toBe(false);
  expect(agent.subjectAltName).toBe('URI:lockstep://prod/agent/cp1, IP Address:10.0.0.1');
  expect(agent.verify(ca.publicKey) && operator.verify(ca.publicKey)).toBe(true);
  expect(agent.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  expect(signing.keyUsage).toEqual(['1.3.6.1.5.5.7.3.36']);
  expect(signing.subjectAltName).toBe('URI:lockstep://prod/agent/cp1');
  expect(signing.publicKey.asymmetricKeyType).toBe('ed25519');
  // It lives as long as its CA: nobody finds out on the one night that nothing was sealed.
  expect(isCurrent(signing, Date.now() + 9 * 365 * 86_400_000)).toBe(true);
  expect(operator.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  expect(isCurrent(agent, Date.now()) && !isCurrent(agent, Date.now() + 4 * 365 * 86_400_000)).toBe(true);
  expect(
    parse(await readFile(join(directory, 'pki/coordinators/bastion/coordinator.yaml'), 'utf8')),
  ).toMatchObject({
    cluster: 'prod',
    id: 'bastion',
    listen: '10.0.0.100:7444',
    nodes: [{ name: 'cp1', address: '10.0.0.1:7443' }],
  });
});

test('run again it adds what is missing, touches nothing that is there, and says what differs', async () => {
  await init(...BASE);
  const before = await tree();
  expect(JSON.parse((await init(...BASE)).out)).toMatchObject({ created: [], differing: [] });

  const { out } = await init(...BASE, '--agent', 'cp2=10.0.0.2');
  const after = await tree();
  for (const [path, found] of Object.entries(before)) expect([path, after[path]]).toEqual([path, found]);
  expect(JSON.parse(out).differing).toEqual([join(directory, 'pki/coordinators/bastion/coordinator.yaml')]);
  expect(Object.keys(after)).toContain('agents/cp2/tls.key');
});

test('a run that was cut short is completed; a lost key is not papered over', async () => {
  await init(...BASE);
  await rm(join(directory, 'pki/agents/cp1/tls.crt'));
  expect((await init(...BASE)).exit).toBe(0);
  await rm(join(directory, 'pki/agents/cp1/tls.key'));
  const { exit, out } = await init(...BASE);
  expect([exit, JSON.parse(out).code]).toEqual([2, 'CONFIG_INVALID']);
});

test.each([
  ['a CA of another cluster', ['--cluster', 'staging']],
  ['a name with a slash', ['--operator', '../../etc']],
  ['an address with a path', ['--agent', 'cp9=10.0.0.1/8']],
  ['a node named twice', ['--agent', 'cp1=10.0.0.9']],
])('%s is refused', async (_what, more) => {
  await init(...BASE);
  const { exit, out } = await init(...BASE, ...more);
  expect([exit, JSON.parse(out).code]).toEqual([2, 'CONFIG_INVALID']);
});

test('with NATS each server has an identity and a configuration that names its users', async () => {
  await init(...BASE, '--nats', 'n1=10.0.0.11', '--nats', 'n2=10.0.0.12', '--nats', 'n3=10.0.0.13');
  const conf = await readFile(join(directory, 'pki/nats/n1/nats.conf'), 'utf8');
  expect(conf).toContain('user: "lockstep://prod/agent/cp1"');
  // Else nobody could hear of a drill that found a snapshot bad; and listening is all.
  expect(conf).toMatch(
    /operator\/[^"]+", permissions: \{\s+publish: \{ deny: ">" \}\s+subscribe: \["lockstep\.prod\.events\.>", "lockstep\.prod\.progress\.>"\]/u,
  );
  expect(conf).toContain('sync_interval: always');
  expect(
    parse(await readFile(join(directory, 'pki/agents/cp1/agent.yaml'), 'utf8')).nats.servers,
  ).toHaveLength(3);
});

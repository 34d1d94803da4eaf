import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { Collector } from '../collector.ts';
import { takeDigests } from '../digests.ts';
import type { HostTree } from '../host-tree.ts';

const MAX_PASSWD_BYTES = 1024 * 1024;
const AUTHORISED = ['authorized_keys', 'authorized_keys2'] as const;
const KEY =
  /(?<type>(?:ssh|ecdsa|sk)-[A-Za-z0-9@.-]+)\s+(?<data>[A-Za-z0-9+/=]{16,})(?:\s+(?<comment>.*))?$/u;

/** Who may come in by SSH: the keys' fingerprints, as `ssh-keygen -l` prints them, and sshd's configuration. */
export const sshKeys: Collector = {
  name: 'ssh-keys',
  about: 'authorised SSH keys by fingerprint, sshd’s configuration by digest',
  when: 'always',
  async *collect(collecting) {
    const homes = await homesOf(collecting.sources.tree);
    const paths = homes.flatMap((home) => AUTHORISED.map((name) => posix.join(home, '.ssh', name)));
    yield* takeDigests(
      collecting,
      'ssh-keys',
      [...paths, '/etc/ssh/authorized_keys', '/etc/ssh/sshd_config', '/etc/ssh/sshd_config.d'],
      (text) => ({ keys: keysIn(text) }),
    );
  },
};

/** Everybody's home by the host's own list, and what is usual: an account may have been taken off it. */
async function homesOf(tree: HostTree): Promise<string[]> {
  const passwd = await tree.readSmall('/etc/passwd', MAX_PASSWD_BYTES).catch(() => undefined);
  const listed = (passwd?.toString('latin1') ?? '')
    .split('\n')
    .map((line) => line.split(':')[5] ?? '')
    .filter((home) => home.startsWith('/') && tree.allows(home));
  return [...new Set(['/root', ...(await usualHomes(tree)), ...listed.map((home) => posix.normalize(home))])];
}

async function usualHomes(tree: HostTree): Promise<string[]> {
  await using directory = await tree.look('/home');
  if (directory?.kind !== 'directory') return [];
  return (await tree.names(directory)).map((name) => `/home/${name}`);
}

/** What `ssh-keygen -l` would say of each line, the options before a key among it. */
export function keysIn(text: string): object[] {
  return text.split('\n').flatMap((line) => {
    const match = line.startsWith('#') ? null : KEY.exec(line.trim());
    const { type, data, comment } = match?.groups ?? {};
    if (type === undefined || data === undefined) return [];
    const digest = createHash('sha256').update(Buffer.from(data, 'base64')).digest('base64');
    return {
      type,
      fingerprint: `SHA256:${digest.replace(/=+$/u, '')}`,
      comment: comment ?? '',
      options: line
        .trim()
        .slice(0, match?.index ?? 0)
        .trim(),
    };
  });
}

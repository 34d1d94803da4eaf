import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AFTER,
  BEFORE,
  encryptedSecrets,
  encryptionConfiguration,
  keyNameOf,
  PROVIDERS,
  secretKey,
} from '../../testing/encrypted-secrets.ts';
import { K3sStore } from '../../testing/k3s-store.ts';
import { say } from '../../testing/screen.ts';

let directory: string;
let store: string;
let keys: readonly string[];
let wrongKeys: readonly string[];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lockstep-encrypted-'));
  store = join(directory, 'state.db');
  const filled = new K3sStore(100);
  filled.put('/registry/namespaces/team-01', {
    kind: 'Namespace',
    apiVersion: 'v1',
    metadata: { name: 'team-01' },
  });
  for (const { key, value } of encryptedSecrets()) filled.put(key, value);
  filled.save(store).close();
  const written = (name: string, text: string): string[] => {
    writeFileSync(join(directory, name), text);
    return ['--encryption-config', join(directory, name)];
  };
  keys = written('encryption.yaml', encryptionConfiguration());
  wrongKeys = written('wrong.yaml', encryptionConfiguration({ wrong: true }));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function json<Result>(...args: readonly string[]): Promise<Result> {
  return JSON.parse((await say(['inspect', ...args, '-o', 'json'])).out) as Result;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe.each(PROVIDERS)('what %s encrypted', (provider) => {
  const key = secretKey(provider);
  const words = `encrypted by ${provider} with the key ${keyNameOf(provider)}`;

  it('is refused without its key by provider and name of key, and shown with it', async () => {
    const closed = await json<{ code: string; message: string }>('get', store, key);
    expect(closed.code).toBe('VALUE_ENCRYPTED');
    expect(closed.message).toBe(`${key} is ${words}: no EncryptionConfiguration was given.`);
    const wrong = await json<{ message: string }>('get', store, key, ...wrongKeys);
    expect(wrong.message).toContain(`${words}: the configured key of that name is another one`);
    const open = await json('get', store, key, ...keys);
    expect(open).toMatchObject({ kind: 'Secret', data: { password: base64(AFTER) } });
    const { revision } = await json<{ revision: number }>('keys', store);
    const earlier = await json('get', store, key, '--revision', String(revision - 4), ...keys);
    expect(earlier).toMatchObject({ data: { password: base64(BEFORE) } });
  });

  it('has a history without its key, which says what would open it, and a whole one with it', async () => {
    interface History {
      readonly versions: readonly { undecoded: string; tool: string; changes?: { path: string }[] }[];
    }
    const closed = await json<History>('history', store, key);
    expect(closed.versions.map(({ undecoded }) => undecoded)).toEqual(
      Array(2).fill(`${words}: no EncryptionConfiguration was given`),
    );
    expect(closed.versions.some(({ changes }) => changes !== undefined)).toBe(false);
    const page = await say(['inspect', 'history', store, key]);
    expect(page.out).not.toContain('nothing that is stored differs');
    const open = await json<History>('history', store, key, ...keys);
    expect(open.versions.map(({ tool, undecoded }) => [tool, undecoded])).toEqual([
      ['helm', ''],
      ['kubectl-edit', ''],
    ]);
    expect(open.versions[1]?.changes?.map(({ path }) => path)).toContain('data.password');
  });
});

describe('a store in which secrets are encrypted', () => {
  it('is not called clean without the keys: what was not looked into is counted by key', async () => {
    const { exit, out } = await say(['inspect', 'findings', store, '-o', 'json']);
    const closed = JSON.parse(out) as {
      unread: { why: string; count: number }[];
      findings: { id: string }[];
    };
    expect(closed.unread.map(({ why, count }) => `${count} ${why}`).sort()).toEqual(
      PROVIDERS.map((provider) => `1 encrypted (${provider} ${keyNameOf(provider)})`).sort(),
    );
    // That one is plain among them shows without any key.
    expect(closed.findings.map(({ id }) => id)).toContain('LS-T1552.007-plain-secret');
    expect(exit).toBe(8);
    const open = await json<{ unread: object[] }>('findings', store, ...keys);
    expect(open.unread).toEqual([]);
  });

  it('tells in the timeline and the keys what would open it', async () => {
    const { out } = await say(['inspect', 'timeline', store], { width: 200 });
    expect(out).toContain('encrypted by aescbc with the key key-2024');
    expect((await say(['inspect', 'keys', store])).out).toContain('secretbox key-2026');
    const open = await json<{ timeline: { tool: string }[] }>('timeline', store, ...keys);
    expect(open.timeline.filter(({ tool }) => tool === 'kubectl-edit')).toHaveLength(PROVIDERS.length);
  });

  it('names in the report each secret that stays closed, and with the keys what it is', async () => {
    const out = join(directory, 'closed.html');
    const pageOf = async (...args: readonly string[]): Promise<string> => {
      await say(['inspect', 'report', store, '--out', out, '--force', ...args]);
      return readFileSync(out, 'utf8');
    };
    const closed = await pageOf();
    expect(closed).toContain('Secrets that could not be opened <span class="soft">(3)</span>');
    expect(closed).toContain('encrypted by secretbox with the key key-2026');
    const open = await pageOf(...keys);
    expect(open).not.toContain('Secrets that could not be opened');
    expect(open).toContain('Other secrets <span class="soft">(4)</span>');
  });

  it('gives no value of a secret away, nor a key, but to who asked for it', async () => {
    for (const args of [
      ['history', store, secretKey('aescbc')],
      ['findings', store],
      ['timeline', store],
      ['report', store, '--out', join(directory, 'report.html'), '--force'],
    ]) {
      for (const output of ['table', 'wide', 'json']) {
        const { out, err } = await say(['inspect', ...args, ...keys, '-o', output]);
        for (const hidden of [
          AFTER,
          BEFORE,
          base64(AFTER),
          base64(BEFORE),
          Buffer.alloc(32, 0xa1).toString('base64'),
        ]) {
          expect(out + err, args[0]).not.toContain(hidden);
        }
      }
    }
  });

  it.each([
    ['no YAML', 'a: [', 'it is no YAML'],
    ['another kind', 'kind: Pod\n', 'kind is not as kube-apiserver wants it'],
    [
      'a key that is too short',
      encryptionConfiguration().replaceAll(/secret: \S+/gu, `secret: ${base64('hush-hush')}`),
      'key-2024 has 9 bytes',
    ],
  ])(
    'is not read with a configuration that is %s, of which no word is repeated',
    async (_what, text, words) => {
      const path = join(directory, 'broken.yaml');
      writeFileSync(path, text);
      const { exit, err } = await say(['inspect', 'findings', store, '--encryption-config', path], {
        width: 200,
      });
      expect([exit, err]).toEqual([2, expect.stringContaining(words)]);
      expect(err).not.toContain(base64('hush-hush'));
    },
  );
});

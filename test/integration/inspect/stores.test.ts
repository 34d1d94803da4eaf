import { deepStrictEqual } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AFTER,
  BEFORE,
  encryptedSecrets,
  encryptionConfiguration,
  keyNameOf,
  PROVIDERS,
  secretKey,
} from '@lockstep/coordinator/cli/testing/encrypted-secrets.ts';
import { say } from '@lockstep/coordinator/cli/testing/screen.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultPlaces, locateProgram, locateTools } from '../../lab/tools/locate.ts';
import { Kine, quoted } from '../evidence/kine.ts';
import { Etcd } from '../snapshot/etcd.ts';

const kine = await locateProgram('kine', defaultPlaces());
const base64 = (text: string): string => Buffer.from(text).toString('base64');

let scratch: string;
/** Stores as a real etcd and a real kine wrote them: encrypted secrets, and what became of them. */
const stores: Record<string, { readonly before: string; readonly after: string }> = {};
let keys: readonly string[];

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'lockstep-stores-'));
  const path = join(scratch, 'encryption.yaml');
  writeFileSync(path, encryptionConfiguration());
  keys = ['--encryption-config', path];
  const { etcd: tools } = await locateTools();
  stores['etcd'] = await withEtcd(tools);
  if (kine !== undefined) stores['K3s'] = await withKine(kine, tools.etcdctl);
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function withEtcd(tools: Parameters<typeof Etcd.start>[0]) {
  const to = (name: string): string => join(scratch, 'etcd', name);
  mkdirSync(join(scratch, 'etcd'));
  await using etcd = await Etcd.start(tools);
  const writes = [...encryptedSecrets()];
  for (const [index, { key, value }] of writes.entries()) {
    if (index === PROVIDERS.length) copyFileSync(await etcd.snapshot('before.db'), to('before.db'));
    await etcd.put(key, value);
  }
  copyFileSync(await etcd.snapshot('after.db'), to('after.db'));
  return { before: to('before.db'), after: to('after.db') };
}

/** Killed, as where a node fell over: what was written last is in the log beside the file. */
async function withKine(program: string, etcdctl: string) {
  await using running = await Kine.start(program, etcdctl);
  const copy = (name: string): string => {
    mkdirSync(join(scratch, 'k3s', name), { recursive: true });
    for (const file of readdirSync(running.directory).filter((each) => /^state\.db(-wal)?$/u.test(each))) {
      copyFileSync(join(running.directory, file), join(scratch, 'k3s', name, file));
    }
    return join(scratch, 'k3s', name, 'state.db');
  };
  let before = '';
  const seen = new Set<string>();
  for (const [index, { key, value }] of [...encryptedSecrets()].entries()) {
    if (index === PROVIDERS.length) before = copy('before');
    await (seen.has(key) ? running.update(key, quoted(value)) : running.create(key, quoted(value)));
    seen.add(key);
  }
  await running.stop();
  return { before, after: copy('after') };
}

/** Everything that a program which writes would change. */
function stateOf(directory: string): unknown {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => {
      const { mtimeNs, ctimeNs, ino, mode, size } = lstatSync(path, { bigint: true });
      const bytes = lstatSync(path).isFile() ? readFileSync(path) : '';
      return {
        path,
        mtimeNs,
        ctimeNs,
        ino,
        mode,
        size,
        digest: createHash('sha256').update(bytes).digest('hex'),
      };
    });
}

async function json<Result>(...args: readonly string[]): Promise<Result> {
  return JSON.parse((await say(['inspect', ...args, '-o', 'json'])).out) as Result;
}

describe.each(['etcd', ...(kine === undefined ? [] : ['K3s'])])(
  'secrets that a real %s holds encrypted',
  (form) => {
    it.each(PROVIDERS)('are told by provider and key, and opened by them: %s', async (provider) => {
      const { before, after } = stores[form]!;
      const key = secretKey(provider);
      const words = `encrypted by ${provider} with the key ${keyNameOf(provider)}`;
      const closed = await json<{ code: string; message: string }>('get', after, key);
      expect([closed.code, closed.message]).toEqual(['VALUE_ENCRYPTED', expect.stringContaining(words)]);
      expect(await json('get', after, key, ...keys)).toMatchObject({ data: { password: base64(AFTER) } });
      expect(await json('get', before, key, ...keys)).toMatchObject({ data: { password: base64(BEFORE) } });
      const { versions } = await json<{ versions: { tool: string; undecoded: string }[] }>(
        'history',
        after,
        key,
        ...keys,
      );
      expect(versions.map(({ tool, undecoded }) => [tool, undecoded])).toEqual([
        ['helm', ''],
        ['kubectl-edit', ''],
      ]);
      const { versions: unread } = await json<{ versions: { undecoded: string }[] }>('history', after, key);
      expect(unread.every(({ undecoded }) => undecoded.startsWith(words))).toBe(true);
    });

    it('are counted by findings, shown as changed by diff, and stay as they are', async () => {
      const { before, after } = stores[form]!;
      const state = stateOf(scratch);
      const found = await json<{ unread: { why: string }[] }>('findings', after);
      expect(found.unread.map(({ why }) => why).sort()).toEqual(
        PROVIDERS.map((provider) => `encrypted (${provider} ${keyNameOf(provider)})`).sort(),
      );
      const open = await json<{ unread: object[]; findings: { id: string; subject: string }[] }>(
        'findings',
        after,
        '--baseline',
        before,
        ...keys,
      );
      expect(open.unread).toEqual([]);
      expect(open.findings.filter(({ id }) => id === 'LS-T1098.001-changed-secret')).toHaveLength(
        PROVIDERS.length,
      );
      const { differences } = await json<{ differences: { change: string; fields: { path: string }[] }[] }>(
        'diff',
        before,
        after,
        ...keys,
      );
      const changed = differences.filter(({ change }) => change === 'changed');
      expect(changed).toHaveLength(PROVIDERS.length);
      expect(changed.every(({ fields }) => fields.some(({ path }) => path === 'data.password'))).toBe(true);
      await say(['inspect', 'keys', after]);
      await say(['inspect', 'timeline', before, after]);
      deepStrictEqual(stateOf(scratch), state);
    });
  },
);

import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { widthOf } from '../render/layout.ts';
import { makeSealers, writeArchive } from '../testing/archive.ts';
import { K3sStore } from '../testing/k3s-store.ts';
import { fillNight, keys, writeNight } from '../testing/night.ts';
import { type ScreenOptions, say } from '../testing/screen.ts';

vi.setConfig({ testTimeout: 60_000 });

const GATHERED_MS = Date.parse('2026-11-22T11:15:00.000Z');

/** Whole command lines over the files of one night, and what a person or a program reads of them. */
const COMMANDS: Record<string, readonly string[]> = {
  findings: ['inspect', 'findings', 'after.db', '--baseline', 'before.db', '--severity', 'high'],
  'findings-none': ['inspect', 'findings', 'before.db'],
  'findings-evidence': [
    'inspect',
    'findings',
    'after.db',
    '--evidence',
    'cp1.tar.zst',
    '--severity',
    'critical',
  ],
  bisect: ['inspect', 'bisect', 'after.db', 'before.db', 'torn.db', '--severity', 'critical'],
  'bisect-clean': ['inspect', 'bisect', 'before.db'],
  history: ['inspect', 'history', 'after.db', 'secrets', 'db', '-n', 'team-01'],
  'history-deleted': ['inspect', 'history', 'after.db', keys.event],
  'history-compacted': ['inspect', 'history', 'compacted.db', 'cm/app'],
  timeline: ['inspect', 'timeline', 'after.db', '--since', '2026-11-22T10:40:00Z'],
  diff: ['inspect', 'diff', 'before.db', 'after.db', '-n', 'team-01'],
  'evidence-show': ['evidence', 'show', 'cp1.tar.zst'],
  'evidence-verify': ['evidence', 'verify', 'cp1.tar.zst', '--ca', 'ca.crt'],
  'evidence-verify-changed': ['evidence', 'verify', 'changed.tar.zst', '--ca', 'ca.crt'],
  'evidence-verify-unsealed': ['evidence', 'verify', 'unsealed.tar.zst', '--ca', 'ca.crt'],
};

/** How each is told; recorded under the name. */
const TOLD: Record<string, { readonly args: readonly string[]; readonly screen: ScreenOptions }> = {
  table: { args: [], screen: {} },
  wide: { args: ['-o', 'wide'], screen: {} },
  colour: { args: [], screen: { colour: true } },
  json: { args: ['-o', 'json'], screen: {} },
};

let directory: string;
const home = process.cwd();
const digests: string[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lockstep-night-'));
  const at = (name: string): string => join(directory, name);
  const { before, after } = writeNight(directory);
  const compacted = new K3sStore(4_100);
  fillNight(compacted);
  compacted.compact(4_120);
  compacted.save(at('compacted.db')).close();
  copyFileSync(after, at('torn.db'));
  truncateSync(at('torn.db'), readFileSync(before).length / 2);
  const { caPem, agent } = await makeSealers('prod', 'cp1', GATHERED_MS);
  writeFileSync(at('ca.crt'), caPem);
  const archive = {
    cluster: 'prod',
    node: 'cp1',
    atMs: GATHERED_MS,
    files: {
      'static-pods/static-pods.json': JSON.stringify({
        manifests: [{ path: '/etc/kubernetes/manifests/etcd.yaml', pod: 'kube-system/etcd', sha256: '' }],
      }),
      'cron/etc/crontab': '* * * * * root /usr/bin/true\n',
    },
    manifest: seen(),
  };
  digests.push(
    await writeArchive(at('cp1.tar.zst'), { ...archive, sealedBy: agent }),
    await writeArchive(at('unsealed.tar.zst'), archive),
  );
  const bytes = readFileSync(at('cp1.tar.zst'));
  writeFileSync(at('changed.tar.zst'), bytes.subarray(0, -9));
  // File names as a person types them; the paths of a scratch directory differ from run to run.
  process.chdir(directory);
});

afterAll(() => {
  process.chdir(home);
  rmSync(directory, { recursive: true, force: true });
});

function seen() {
  const at = new Date(GATHERED_MS).toISOString();
  const ended = { startedAt: at, endedAt: at };
  return {
    collectors: [
      {
        name: 'static-pods',
        outcome: 'done' as const,
        reason: '',
        ...ended,
        files: 1,
        plainSizeBytes: 94,
        notTaken: 1,
      },
      {
        name: 'cron',
        outcome: 'done' as const,
        reason: '',
        ...ended,
        files: 1,
        plainSizeBytes: 29,
        notTaken: 0,
      },
      {
        name: 'audit-logs',
        outcome: 'limited' as const,
        reason: 'its 512 MiB were full; the newest logs were taken first',
        ...ended,
        files: 0,
        plainSizeBytes: 0,
        notTaken: 1,
      },
    ],
    notTaken: [
      {
        collector: 'static-pods',
        path: '/etc/kubernetes/manifests/.shadow',
        kind: 'symbolic-link' as const,
        target: '/etc/shadow',
        why: 'links are not followed',
      },
      {
        collector: 'audit-logs',
        path: '/var/log/kubernetes/audit-2026-11-20.log',
        kind: 'file' as const,
        sizeBytes: 104_857_600,
        why: 'its collector had taken enough',
      },
    ],
  };
}

async function told(command: string, how: string, screen: ScreenOptions = {}): Promise<string> {
  const { args, screen: own } = TOLD[how]!;
  const { exit, out, err } = await say([...(COMMANDS[command] ?? []), ...args], { ...own, ...screen });
  return unmarked(`${out}${err === '' ? '' : `--- standard error\n${err}`}--- exit ${exit}\n`);
}

/** Marks of secrets are other ones in each run, and as long. */
function unmarked(text: string): string {
  return text.replaceAll(/\(secret [0-9a-f]{1,12}/gu, (mark) => '(secret 0123456789ab'.slice(0, mark.length));
}

/** So are seals, and with them digests and sizes of archives. */
function unsealed(text: string): string {
  const sized = text
    .replaceAll(/(\.tar\.zst )\([\d.]+ (?:KiB|B)\)/gu, '$1(1.5 KiB)')
    .replaceAll(/("sha256": "[0-9a-f]{64}",\n +"sizeBytes": )\d+/gu, '$11500');
  return digests.reduce((whole, digest) => whole.replaceAll(digest, '5e'.repeat(32)), sized);
}

/** What was recorded under a name; recorded now where that is asked for. */
function recorded(name: string, text: string): string {
  const path = join(import.meta.dirname, 'night', `${name}.golden`);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, text);
  return readFileSync(path, 'utf8');
}

describe.each(Object.keys(COMMANDS))('%s', (command) => {
  test.each(Object.keys(TOLD))('reads as recorded: %s', async (how) => {
    const text = unsealed(await told(command, how));
    expect(text).toBe(recorded(`${command}.${how}`, text));
  });
});

// What differs is read by workers, each of which takes its time to start: its page is tried in golden.test.ts.
describe.each(Object.keys(COMMANDS).filter((command) => command !== 'diff'))('%s', (command) => {
  test('fits on every screen, in colour and without', async () => {
    for (const width of [40, 120]) {
      for (const how of ['table', 'wide']) {
        const plain = await told(command, how, { width });
        const coloured = await told(command, how, { width, colour: true });
        // oxlint-disable-next-line no-control-regex
        expect(coloured.replace(/\u001b\[\d+m/g, '').replace(/ +$/gm, '')).toBe(plain);
        for (const line of plain.split('\n')) {
          expect({ line, fits: widthOf(line) <= width }).toEqual({ line, fits: true });
          expect(line).toBe(line.trimEnd());
        }
      }
    }
    expect(await told(command, 'table', { unicode: false })).toMatch(/^[\n -~]*$/);
  });
});

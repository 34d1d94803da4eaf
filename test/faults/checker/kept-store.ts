import { execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { CheckedLab } from './checked-lab.ts';

const SERVE_TIMEOUT_MS = 30_000;
const POLL_MS = 100;

/**
 * The value of a key as a kept store holds it: a copy of the store is started alone by etcd itself and
 * asked. Log, database and snapshots must all be whole for that. Rejects where it cannot be served.
 */
export async function valueInKeptStore(lab: CheckedLab, store: string, key: string): Promise<string> {
  const scratch = mkdtempSync(join(tmpdir(), 'kept-'));
  // Below what Linux gives to outgoing connections; that somebody listens there shows as no answer.
  const client = randomInt(15_000, 32_000);
  const peer = client + 1;
  cpSync(store, join(scratch, 'data'), { recursive: true });
  let said = '';
  const member = spawn(
    lab.etcdTools.etcd,
    [
      `--data-dir=${join(scratch, 'data')}`,
      '--force-new-cluster',
      '--name=kept',
      `--listen-client-urls=http://127.0.0.1:${client}`,
      `--advertise-client-urls=http://127.0.0.1:${client}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      '--heartbeat-interval=20',
      '--election-timeout=200',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  member.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  const ended = once(member, 'close');
  try {
    const until = Date.now() + SERVE_TIMEOUT_MS;
    for (;;) {
      try {
        const { stdout } = await promisify(execFile)(
          lab.etcdTools.etcdctl,
          [
            `--endpoints=http://127.0.0.1:${client}`,
            '--command-timeout=1s',
            'get',
            '--print-value-only',
            key,
          ],
          { env: { ...process.env, ETCDCTL_API: '3' } },
        );
        return stdout.trim();
      } catch (cause) {
        if (member.exitCode !== null || Date.now() > until) {
          throw new Error(`${store} cannot be served: ${said.slice(-300)}`, { cause });
        }
        await delay(POLL_MS);
      }
    }
  } finally {
    member.kill('SIGKILL');
    await ended;
    rmSync(scratch, { recursive: true, force: true });
  }
}

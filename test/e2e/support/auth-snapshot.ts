import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import type { Lab } from '../../lab/lab.ts';

const READY_TIMEOUT_MS = 20_000;
const CLIENT_PORT = 12379;
const PEER_PORT = 12380;

/** A snapshot of a member of its own whose authentication was switched on the way one does it. */
export async function authEnabledSnapshot(lab: Lab): Promise<Buffer> {
  const directory = mkdtempSync(join(tmpdir(), 'auth-'));
  const client = `http://${lab.network.nodeAddress(90)}:${CLIENT_PORT}`;
  const peer = `http://${lab.network.nodeAddress(90)}:${PEER_PORT}`;
  const { etcd, etcdctl } = lab.etcdTools;
  const member = spawn(
    etcd,
    [
      `--data-dir=${join(directory, 'data')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
    ],
    { stdio: 'ignore' },
  );
  const run = (...args: string[]): void => {
    execFileSync(etcdctl, [`--endpoints=${client}`, ...args], {
      env: { ...process.env, ETCDCTL_API: '3' },
      stdio: 'ignore',
    });
  };
  const healthy = async (): Promise<boolean> => {
    try {
      run('--command-timeout=1s', 'endpoint', 'health');
      return true;
    } catch {
      return false;
    }
  };
  try {
    await waitFor({ describe: () => 'the member serves', check: healthy }, 100, deadline(READY_TIMEOUT_MS));
    run('user', 'add', 'root:secret');
    run('user', 'grant-role', 'root', 'root');
    run('auth', 'enable');
    run('--user=root:secret', 'snapshot', 'save', join(directory, 'snapshot.db'));
    return readFileSync(join(directory, 'snapshot.db'));
  } finally {
    member.kill('SIGKILL');
    await once(member, 'close');
    rmSync(directory, { recursive: true });
  }
}

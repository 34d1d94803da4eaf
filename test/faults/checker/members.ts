import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { type CheckedLab, type CheckedNode, hostPaths } from './checked-lab.ts';

const READY_TIMEOUT_MS = 5_000;
const TIMEOUTS = ['--dial-timeout=3s', '--command-timeout=10s'];

export interface MemberStatus {
  readonly clusterId: string;
  readonly memberId: string;
  readonly revision: bigint;
  readonly alarms: boolean;
}

/** Numbers of 64 bits are taken from the text: JSON's would lose their end. */
export async function statusOf(lab: CheckedLab, node: CheckedNode): Promise<MemberStatus> {
  const text = await ask(lab, node, ['endpoint', 'status', '-w', 'json']);
  const number = (name: string): string => new RegExp(`"${name}":(\\d+)`).exec(text)?.[1] ?? '';
  return {
    clusterId: number('cluster_id'),
    memberId: number('member_id'),
    revision: BigInt(number('revision') || '0'),
    alarms: /"errors":\[[^\]]*alarm/.test(text),
  };
}

/** `HASH@COMPACTION`: equal on all members, or the cluster is broken. */
export async function hashAt(lab: CheckedLab, node: CheckedNode, revision: bigint): Promise<string> {
  const text = await ask(lab, node, ['endpoint', 'hashkv', `--rev=${revision}`, '-w', 'json']);
  const hash = /"hash":(\d+)/.exec(text)?.[1];
  if (hash === undefined) throw new Error(`${node.name}: no hash in ${text.trim()}`);
  return `${hash}@${/"compact_revision":(-?\d+)/.exec(text)?.[1] ?? ''}`;
}

export async function valueOf(lab: CheckedLab, node: CheckedNode, key: string): Promise<string> {
  return (await ask(lab, node, ['get', '--print-value-only', key])).trim();
}

/** Names of the members, in order, as this one knows them. */
export async function memberNames(lab: CheckedLab, node: CheckedNode): Promise<string[]> {
  const text = await ask(lab, node, ['member', 'list']);
  return text
    .split('\n')
    .map((line) => line.split(', ')[2] ?? '')
    .filter((name) => name !== '')
    .sort();
}

/** Empty where the API server says that it is ready. */
export async function apiDefect(node: CheckedNode): Promise<string> {
  return new Promise((resolve) => {
    const outgoing = request(
      `https://${node.address}:6443/readyz`,
      { ca: readFileSync(node.path(hostPaths.clusterCa)), agent: false, timeout: READY_TIMEOUT_MS },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200 ? '' : `/readyz says ${response.statusCode}`);
      },
    );
    outgoing.once('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.once('error', (error) => resolve(error.message));
    outgoing.end();
  });
}

async function ask(lab: CheckedLab, node: CheckedNode, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await lab.etcdctl(node.name, [...TIMEOUTS, ...args]);
  if (exitCode !== 0) throw new Error(`${node.name}: etcdctl ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}

import { statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { deadline } from '@lockstep/shared/deadline.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { expect } from 'vitest';
import { type Action, FailpointBoard } from '../../faults/failpoints/board.ts';
import type { Lab } from '../../lab/lab.ts';
import type { LabNode } from '../../lab/lab-node.ts';
import type { Ended } from '../../lab/programs.ts';

/** What the command line says with `-o json`, as far as the tests look. */
export interface Said {
  readonly outcome: string;
  readonly code: string;
  readonly operationId: string;
  readonly [field: string]: unknown;
}

export interface SaidRefusal {
  readonly code: string;
  readonly node: string;
  readonly message: string;
  readonly cure: string;
}

const RESTORE_TIMEOUT_MS = 180_000;
const COMMAND_TIMEOUT_MS = 60_000;

/** One JSON document, or the last of JSON lines. */
export function saidBy(ended: Ended): Said {
  const text = ended.stdout.trim();
  try {
    return JSON.parse(text) as Said;
  } catch {
    const last = text.slice(text.lastIndexOf('\n{') + 1);
    try {
      return JSON.parse(last) as Said;
    } catch (cause) {
      throw new Error(`no JSON on standard output: ${ended.stdout}\n${ended.stderr}`, { cause });
    }
  }
}

export async function saveSnapshot(lab: Lab, ...args: string[]): Promise<string> {
  const ended = await lab.lockstep(['snapshot', 'save', '--reason', 'test', '-o', 'json', ...args], {
    timeoutMs: COMMAND_TIMEOUT_MS,
  });
  expect(ended.exitCode, ended.stderr + ended.stdout).toBe(0);
  const { snapshot } = saidBy(ended) as unknown as { snapshot: { card: { id: string } } };
  return snapshot.card.id;
}

/** The plan of a restore; refusals are in what is said, not thrown. */
export async function planRestore(
  lab: Lab,
  snapshotId: string,
  ...args: string[]
): Promise<{ said: Said; exitCode: number }> {
  const ended = await lab.lockstep(['restore', 'plan', snapshotId, '-o', 'json', ...args], {
    timeoutMs: COMMAND_TIMEOUT_MS,
  });
  return { said: saidBy(ended), exitCode: ended.exitCode };
}

export async function runRestore(
  lab: Lab,
  snapshotId: string,
  ...args: string[]
): Promise<{ said: Said; exitCode: number; ended: Ended }> {
  const ended = await lab.lockstep(
    ['restore', 'run', snapshotId, '--confirm', lab.clusterName, '-o', 'json', ...args],
    { timeoutMs: RESTORE_TIMEOUT_MS },
  );
  return { said: saidBy(ended), exitCode: ended.exitCode, ended };
}

/** A restore in the background, with its events as they come. */
export interface RunningRestore {
  /** Resolves when an event with these fields has been seen; rejects if the command ends before. */
  reached(type: string, fields?: Readonly<Record<string, unknown>>): Promise<void>;
  readonly ended: Promise<{ exitCode: number; said: Said }>;
}

export function startRestore(lab: Lab, snapshotId: string, ...args: string[]): RunningRestore {
  const child = lab.spawnLockstep([
    'restore',
    'run',
    snapshotId,
    '--confirm',
    lab.clusterName,
    '-o',
    'json',
    ...args,
  ]);
  const lines: Said[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => waiting.forEach((each) => each());
  let errors = '';
  let over = false;
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')));
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      lines.push(JSON.parse(line) as Said);
      wake();
    });
  }
  const ended = new Promise<{ exitCode: number; said: Said }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      over = true;
      wake();
      const said = lines.at(-1);
      if (said === undefined) reject(new Error(`restore run said nothing: ${errors}`));
      else resolve({ exitCode: code ?? -1, said });
    });
  });
  ended.catch(() => {});
  return {
    ended,
    reached: (type, fields = {}) =>
      new Promise((resolve, reject) => {
        const wanted = Object.entries({ type, ...fields });
        const words = JSON.stringify({ type, ...fields });
        const look = (): void => {
          if (lines.some((line) => wanted.every(([name, value]) => line[name] === value))) resolve();
          else if (over)
            reject(new Error(`restore run ended before ${words}: ${JSON.stringify(lines.at(-1))} ${errors}`));
          else return;
          waiting.delete(look);
        };
        waiting.add(look);
        look();
      }),
  };
}

/** How an operation stands, asked of the coordinator; undefined where it does not answer. */
export async function operationOf(lab: Lab, operationId: string): Promise<Said | undefined> {
  const ended = await lab.lockstep(['restore', 'status', operationId, '-o', 'json'], {
    timeoutMs: COMMAND_TIMEOUT_MS,
  });
  try {
    return saidBy(ended);
  } catch {
    return undefined;
  }
}

const END_TIMEOUT_MS = 240_000;

/** Waits until the operation has ended, by whoever brings it to its end. */
export async function waitEnded(lab: Lab, operationId: string): Promise<string> {
  let outcome = '';
  await waitFor(
    {
      describe: () => `${operationId} has ended`,
      async check() {
        outcome = (await operationOf(lab, operationId))?.outcome ?? '';
        return ['restored', 'rolled-back', 'refused', 'needs-operator'].includes(outcome);
      },
    },
    300,
    deadline(END_TIMEOUT_MS),
  );
  return outcome;
}

export async function latestOperation(lab: Lab): Promise<string> {
  const ended = await lab.lockstep(['restore', 'status', '-o', 'json'], { timeoutMs: COMMAND_TIMEOUT_MS });
  return saidBy(ended).operationId;
}

/** Every API server ready and every member healthy. */
export async function waitServing(lab: Lab): Promise<void> {
  const signal = deadline(120_000);
  for (const node of lab.controlPlanes) await node.waitApiReady(signal);
  for (const node of lab.etcdHosts) {
    const health = await lab.etcdctl(node, ['endpoint', 'health']);
    expect(health.exitCode, health.stderr).toBe(0);
  }
}

export async function put(lab: Lab, key: string, value: string): Promise<void> {
  const ended = await lab.etcdctl(lab.etcdHosts[0] as LabNode, ['put', key, value]);
  expect(ended.exitCode, ended.stderr).toBe(0);
}

/** The value that each member holds, in the order of the nodes. */
export async function valuesOf(lab: Lab, key: string): Promise<string[]> {
  return Promise.all(
    lab.etcdHosts.map(async (node) =>
      (await lab.etcdctl(node, ['get', '--print-value-only', key])).stdout.trim(),
    ),
  );
}

/** HashKV of every member at one revision that all have; equal or the cluster is broken. */
export async function hashesAt(lab: Lab, revision?: bigint): Promise<{ revision: bigint; hashes: string[] }> {
  const heads = await Promise.all(
    lab.etcdHosts.map(async (node) => {
      const { stdout } = await lab.etcdctl(node, ['endpoint', 'status', '-w', 'json']);
      return BigInt(/"revision":(\d+)/.exec(stdout)?.[1] ?? '0');
    }),
  );
  const pinned = revision ?? heads.reduce((least, head) => (head < least ? head : least));
  const hashes = await Promise.all(
    lab.etcdHosts.map(async (node) => {
      const { stdout } = await lab.etcdctl(node, ['endpoint', 'hashkv', `--rev=${pinned}`, '-w', 'json']);
      return /"hash":(\d+)/.exec(stdout)?.[1] ?? stdout;
    }),
  );
  return { revision: pinned, hashes };
}

export function storeInode(node: LabNode): bigint {
  return statSync(node.path('/var/lib/etcd'), { bigint: true }).ino;
}

export interface Injection {
  /** On this node alone; on every one where left out. */
  readonly node?: string;
  /** What happens once to this step, between its effect and its completion, where it hurts most. */
  readonly step?: string;
  readonly action?: Action;
  readonly clockAheadMs?: number;
}

/** Failures on the agents of a lab with failpoints, in place of those injected before. */
export function injectOnAgents(lab: Lab, ...injections: readonly Injection[]): void {
  for (const { name, failpointsDirectory } of lab.nodes) {
    const own = injections.filter(({ node }) => node === undefined || node === name);
    new FailpointBoard(failpointsDirectory).arm({
      arms: own.flatMap(({ step, action }) =>
        step === undefined || action === undefined
          ? []
          : [{ point: `agent:handlers.perform:after@${step}`, action }],
      ),
      clockAheadMs: own.find(({ clockAheadMs }) => clockAheadMs !== undefined)?.clockAheadMs ?? 0,
    });
  }
}

/** Every agent answers the coordinator. */
export async function waitAgents(lab: Lab): Promise<void> {
  await waitFor(
    {
      describe: () => 'every agent answers',
      async check() {
        const ended = await lab.lockstep(['node', 'list', '-o', 'json'], { timeoutMs: COMMAND_TIMEOUT_MS });
        if (ended.exitCode !== 0) return false;
        const { nodes } = saidBy(ended) as unknown as { nodes: { report?: unknown }[] };
        return (
          nodes.length === lab.nodes.length &&
          nodes.every(({ report }) => report !== undefined && report !== null)
        );
      },
    },
    200,
    deadline(30_000),
  );
}

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { deadline } from '@lockstep/shared/deadline.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { expect } from 'vitest';
import type { Lab } from '../../lab/lab.ts';
import type { LabNode } from '../../lab/lab-node.ts';
import { OPERATORS } from '../../lab/layout/lockstep-files.ts';
import { runRestore, type Said, saidBy } from './cluster.ts';

const COMMAND_TIMEOUT_MS = 60_000;
/** The coordinator looks for agents that are away every 10 s. */
const SET_ASIDE_TIMEOUT_MS = 60_000;
const SAMPLE_EVERY_MS = 50;
const ASK_TIMEOUT_MS = 2_000;

/** The value that a member gives to whoever wants a quorum's word; undefined where it has none. */
export async function servedValue(lab: Lab, node: LabNode, key: string): Promise<string | undefined> {
  const { exitCode, stdout } = await lab.etcdctl(
    node,
    ['get', '--print-value-only', '--command-timeout=1s', key],
    { timeoutMs: ASK_TIMEOUT_MS },
  );
  return exitCode === 0 ? stdout.trim() : undefined;
}

/** What a node's member and API server answered while something went on. */
export interface Sampled {
  readonly values: readonly string[];
  readonly apiReady: boolean;
  readonly samples: number;
}

/** Asks a node's member for a key, and its API server whether it is ready, until `until` is settled. */
export async function sampleServing(
  lab: Lab,
  node: LabNode,
  key: string,
  until: Promise<unknown>,
): Promise<Sampled> {
  const over = new AbortController();
  const ended = until.finally(() => over.abort());
  const values: string[] = [];
  let apiReady = false;
  let samples = 0;
  while (!over.signal.aborted) {
    const [value, ready] = await Promise.all([
      servedValue(lab, node, key).catch(() => undefined),
      node.isApiReady().catch(() => false),
    ]);
    if (value !== undefined) values.push(value);
    apiReady ||= ready;
    samples += 1;
    await delay(SAMPLE_EVERY_MS);
  }
  await ended;
  return { values, apiReady, samples };
}

/** What a node's agent says of itself, as the command line has it. */
export async function reportOf(lab: Lab, name: string): Promise<Record<string, unknown> | undefined> {
  const ended = await lab.lockstep(['node', 'show', name, '-o', 'json'], { timeoutMs: COMMAND_TIMEOUT_MS });
  const { node } = saidBy(ended) as unknown as { node?: { report?: Record<string, unknown> } };
  return node?.report ?? undefined;
}

/** Waits until the coordinator has set the node aside; returns by which operation. */
export async function waitSetAside(lab: Lab, name: string): Promise<string> {
  let by = '';
  await waitFor(
    {
      describe: () => `${name} is set aside`,
      async check() {
        const said = (await reportOf(lab, name))?.['setAsideOperationId'];
        by = typeof said === 'string' ? said : '';
        return by !== '';
      },
    },
    300,
    deadline(SET_ASIDE_TIMEOUT_MS),
  );
  return by;
}

/** The API servers of these nodes are ready and their members healthy. */
export async function waitServingOn(lab: Lab, nodes: readonly LabNode[]): Promise<void> {
  const signal = deadline(120_000);
  for (const node of nodes) await node.waitApiReady(signal);
  for (const node of nodes) {
    const health = await lab.etcdctl(node, ['endpoint', 'health']);
    expect(health.exitCode, health.stderr).toBe(0);
  }
}

/** The command line's configuration with another operator's identity. */
export async function configOf(lab: Lab, operator: string): Promise<string> {
  const path = join(lab.directory, `pki/config-${operator}.yaml`);
  const config = await readFile(lab.commandLineConfig, 'utf8');
  await writeFile(path, config.replaceAll(`operators/${OPERATORS[0]}`, `operators/${operator}`));
  return path;
}

/** Approves a plan as the lab's second operator, or as the named one. */
export async function approve(
  lab: Lab,
  operationId: string,
  operator = 'bob',
): Promise<{ said: Said; exitCode: number }> {
  const ended = await lab.lockstep(
    ['restore', 'approve', operationId, '--confirm', lab.clusterName, '--reason', 'seen it', '-o', 'json'],
    { timeoutMs: COMMAND_TIMEOUT_MS, env: { LOCKSTEP_CONFIG: await configOf(lab, operator) } },
  );
  return { said: saidBy(ended), exitCode: ended.exitCode };
}

/** A restore that must succeed, for what comes after it; returns its operation. */
export async function restored(lab: Lab, snapshotId: string, ...args: string[]): Promise<string> {
  const { said, ended } = await runRestore(lab, snapshotId, ...args);
  if (said.outcome !== 'restored') throw new Error(`not restored: ${ended.stdout}${ended.stderr}`);
  return said.operationId;
}

/** Runs a plan that was made before. */
export async function runPlan(lab: Lab, operationId: string): Promise<{ said: Said; exitCode: number }> {
  const ended = await lab.lockstep(
    ['restore', 'run', '--plan', operationId, '--confirm', lab.clusterName, '-o', 'json'],
    { timeoutMs: 180_000 },
  );
  return { said: saidBy(ended), exitCode: ended.exitCode };
}

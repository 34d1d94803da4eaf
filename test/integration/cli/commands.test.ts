import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BUILDING,
  OPERATION_ID,
  RESTORED,
  SNAPSHOT_ID,
  UNDOING,
} from '@lockstep/coordinator/cli/golden/fixtures.ts';
import { runCommandLine } from '@lockstep/coordinator/cli/run.ts';
import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { OperationEvent } from '@lockstep/shared/generated/lockstep/v1/event.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CommandLineProcess, lockstep, RecordingTerminal } from './command-line.ts';
import { CLUSTER, ScriptedCoordinator } from './scripted-coordinator.ts';

let stack: AsyncDisposableStack;
let coordinator: ScriptedCoordinator;
let environment: Record<string, string>;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-cli-'));
  stack.defer(() => rm(directory, { recursive: true }));
  coordinator = await ScriptedCoordinator.start(directory);
  stack.defer(() => coordinator.stop());
  environment = { LOCKSTEP_CONFIG: coordinator.configFile };
});
afterEach(() => stack.disposeAsync());

const run = (...args: string[]) => lockstep(args, environment);
const last = (out: string): Record<string, unknown> => JSON.parse(out.trim().split('\n').at(-1) ?? '');

function endWith(outcome: Outcome): OperationEvent {
  const before = UNDOING.at(-1) as OperationEvent;
  return {
    ...before,
    sequence: before.sequence + 1n,
    event: { $case: 'operationEnded', value: { outcome, failure: undefined } },
  };
}

const ESCAPE = '\u001b';
const CONFIRMED = ['restore', 'run', SNAPSHOT_ID, '--confirm', CLUSTER];

describe('answers', () => {
  test('version names both sides', async () => {
    const { exit, out } = await run('version', '-o', 'json');
    expect(exit).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ outcome: 'done', code: 'OK', operationId: '', cluster: CLUSTER });
  });

  test('nodes are listed as a table, as JSON, as YAML and by name', async () => {
    const text = await run('node', 'list');
    expect(text.out).toContain('cp1');
    expect(text.exit).toBe(8);
    const json = await run('nodes', 'ls', '-o', 'json');
    expect(JSON.parse(json.out)).toMatchObject({
      outcome: 'findings',
      code: 'UNREACHABLE',
      nodes: [{ node: 'cp1', report: { etcd: { revision: 191_871 } } }, {}, {}, {}],
    });
    expect((await run('node', 'list', '-o', 'name')).out.split('\n').slice(0, 3)).toEqual([
      'cp1',
      'cp2',
      'cp3',
    ]);
    expect((await run('node', 'list', '-o', 'yaml')).out).toContain('outcome: findings');
  });

  test('a damaged snapshot is a finding', async () => {
    const { exit, out } = await run('snapshot', 'verify', SNAPSHOT_ID, '-o', 'json');
    expect(exit).toBe(8);
    expect(JSON.parse(out)).toMatchObject({ outcome: 'findings', code: 'SNAPSHOT_CORRUPT' });
  });

  test('a saved snapshot is named for the next command', async () => {
    expect((await run('snapshot', 'save', '-o', 'name')).out).toBe(`${SNAPSHOT_ID}\n`);
  });

  test('doctor finds what is to be mended', async () => {
    const { exit, out } = await run('doctor', '-o', 'json');
    expect(exit).toBe(8);
    expect(JSON.parse(out).checks).toContainEqual(
      expect.objectContaining({
        name: expect.stringContaining('worker'),
        verdict: 'fail',
        code: 'UNREACHABLE',
      }),
    );
  });

  test('an operation that nobody knows is refused', async () => {
    const { exit, out } = await run('restore', 'status', 'r-nowhere', '-o', 'json');
    expect([exit, JSON.parse(out).code]).toEqual([5, 'OPERATION_NOT_FOUND']);
  });
});

describe('who may ask', () => {
  test('nobody with an agent’s certificate', async () => {
    const config = await readFile(coordinator.configFile, 'utf8');
    const agents = join(coordinator.directory, 'agent-config.yaml');
    await writeFile(agents, config.replaceAll('/operators/ada/', '/agents/cp1/'));
    const { exit, out } = await run('version', '--config', agents, '-o', 'json');
    expect([exit, JSON.parse(out).code]).toEqual([6, 'NOT_AUTHORISED']);
  });

  test('usage errors are 2, in JSON as well', async () => {
    expect((await run('restore', 'plan')).exit).toBe(2);
    const { exit, out } = await run('restore', 'plan', '-o', 'json');
    expect([exit, JSON.parse(out).code]).toEqual([2, 'USAGE']);
    expect((await lockstep(['version', '--config', '/nonexistent'])).exit).toBe(2);
  });
});

describe('restore', () => {
  test('a plan is shown with what to type next', async () => {
    const { exit, out } = await run('restore', 'plan', SNAPSHOT_ID);
    expect(exit).toBe(0);
    expect(out).toContain(`lockstep restore run --plan ${OPERATION_ID} --confirm ${CLUSTER}`);
  });

  test('a refused plan is 5, with each code and cure', async () => {
    coordinator.refusals = [refusal('SPACE_TOO_LITTLE', 'cp2 has 64 MiB free.', 'cp2')];
    const { exit, out } = await run('restore', 'plan', SNAPSHOT_ID, '-o', 'json');
    expect(exit).toBe(5);
    expect(JSON.parse(out)).toMatchObject({
      outcome: 'refused',
      code: 'SPACE_TOO_LITTLE',
      operationId: OPERATION_ID,
      refusals: [
        { code: 'SPACE_TOO_LITTLE', node: 'cp2', class: 'never', cure: expect.stringContaining('Free') },
      ],
    });
    expect((await run(...CONFIRMED)).exit).toBe(5);
    expect(coordinator.asked).not.toContain('runRestore');
  });

  test('nothing runs unconfirmed or confirmed with another name', async () => {
    const unconfirmed = await run('restore', 'run', SNAPSHOT_ID);
    expect(unconfirmed.exit).toBe(5);
    expect(unconfirmed.out).toContain('Nothing was changed');
    expect(coordinator.asked).not.toContain('runRestore');

    const { exit, out } = await run('restore', 'run', SNAPSHOT_ID, '--confirm', 'staging', '-o', 'json');
    expect([exit, last(out)['code']]).toEqual([5, 'CONFIRMATION_MISMATCH']);
  });

  test('a run is followed to its end in lines, and its report shown', async () => {
    coordinator.play(RESTORED);
    const { exit, out } = await new CommandLineProcess(CONFIRMED, environment).ended;
    expect(exit).toBe(0);
    expect(out).toMatch(/build +cp2: building\n/);
    expect(out).toContain('restored: The cluster runs from the snapshot');
    // oxlint-disable-next-line no-control-regex
    expect(out).not.toMatch(/\u001b/);
  });

  test('in JSON each line is a document and the last decides', async () => {
    coordinator.play(RESTORED);
    const { exit, out } = await run(...CONFIRMED, '-o', 'json');
    expect(exit).toBe(0);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ type: 'plan', outcome: 'planned', operationId: OPERATION_ID });
    for (const line of lines)
      expect(Object.keys(line)).toEqual(expect.arrayContaining(['outcome', 'code', 'operationId']));
    expect(lines.at(-1)).toMatchObject({
      type: 'result',
      outcome: 'restored',
      code: 'OK',
      operationId: OPERATION_ID,
      report: { downtimeMs: 5_700, phases: expect.arrayContaining([{ name: 'swap', ms: 90 }]) },
    });
  });

  test.each([
    [Outcome.OUTCOME_ROLLED_BACK, 'rolled-back', 3],
    [Outcome.OUTCOME_NEEDS_OPERATOR, 'needs-operator', 4],
    [Outcome.OUTCOME_REFUSED, 'refused', 5],
  ])('outcome %i is %s and exit code %i', async (outcome, word, code) => {
    coordinator.outcome = outcome;
    coordinator.play([...UNDOING, endWith(outcome)]);
    const { exit, out } = await run(...CONFIRMED, '-o', 'json');
    expect([exit, last(out)['outcome']]).toEqual([code, word]);
  });

  test('one that still runs is 9', async () => {
    coordinator.play(BUILDING);
    expect((await run('restore', 'status')).exit).toBe(9);
    expect((await run(...CONFIRMED, '--detach')).exit).toBe(9);
  });

  test('Ctrl-C detaches and says how to watch on; the operation is not asked to stop', async () => {
    coordinator.play(BUILDING);
    const watcher = new CommandLineProcess(CONFIRMED, environment);
    await expect.poll(() => watcher.out, { timeout: 10_000 }).toContain('cp2: building');
    watcher.interrupt();
    const { exit, out } = await watcher.ended;
    expect(exit).toBe(130);
    expect(out).toContain(`lockstep restore watch ${OPERATION_ID}`);
    expect(coordinator.asked).not.toContain('abortOperation');
  });

  test('a watch lives through a restart of the coordinator and tells nothing twice', async () => {
    coordinator.play(RESTORED.slice(0, BUILDING.length));
    const terminal = new RecordingTerminal(environment);
    const watching = runCommandLine([...CONFIRMED, '-o', 'json'], terminal);
    await expect.poll(() => terminal.written, { timeout: 10_000 }).toContain('building');
    await coordinator.stop();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await coordinator.serve();
    coordinator.play(RESTORED.slice(BUILDING.length));
    expect(await watching).toBe(0);
    const sequences = terminal.written
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; sequence?: number })
      .flatMap(({ sequence }) => (sequence === undefined ? [] : [sequence]));
    expect(sequences).toEqual(RESTORED.map(({ sequence }) => Number(sequence)));
  });

  test('what was resumed is watched to its end, not to the one that it had before', async () => {
    const [stood] = BUILDING.slice(-1) as [OperationEvent];
    const sequence = stood.sequence + 1n;
    const value = { outcome: Outcome.OUTCOME_NEEDS_OPERATOR, failure: undefined };
    coordinator.play(BUILDING);
    coordinator.events.push({ ...stood, sequence, event: { $case: 'operationEnded', value } });
    const terminal = new RecordingTerminal(environment);
    const resuming = runCommandLine(['restore', 'resume', OPERATION_ID, '-o', 'json'], terminal);
    await expect.poll(() => terminal.written, { timeout: 10_000 }).toContain('needs-operator');
    coordinator.play(
      RESTORED.slice(BUILDING.length).map((event) => ({ ...event, sequence: event.sequence + 1n })),
    );
    expect([await resuming, last(terminal.written)]).toMatchObject([0, { outcome: 'restored' }]);
  });

  test('a coordinator that stays away leaves the outcome unknown: 7', async () => {
    coordinator.play(BUILDING);
    const terminal = new RecordingTerminal(environment);
    const watching = runCommandLine(
      ['restore', 'watch', OPERATION_ID, '--retry-for', '2s', '-o', 'json'],
      terminal,
    );
    await expect.poll(() => terminal.written, { timeout: 10_000 }).toContain('building');
    await coordinator.stop();
    expect([await watching, last(terminal.written)]).toMatchObject([
      7,
      { outcome: 'unreachable', code: 'UNREACHABLE', operationId: OPERATION_ID },
    ]);
  });

  test('on a screen the plan is confirmed by typing, and the progress is drawn over itself', async () => {
    coordinator.play(RESTORED.slice(0, BUILDING.length));
    const terminal = new RecordingTerminal(environment, { typed: CLUSTER });
    const running = runCommandLine(['restore', 'run', SNAPSHOT_ID], terminal);
    await expect.poll(() => terminal.written, { timeout: 10_000 }).toContain('8.0 MiB of 24.0 MiB');
    coordinator.play(RESTORED.slice(BUILDING.length));
    expect(await running).toBe(0);
    const { written } = terminal;
    expect(written.indexOf('What will be done')).toBeLessThan(written.indexOf(`(${CLUSTER}): `));
    expect(written.indexOf(`(${CLUSTER}): `)).toBeLessThan(written.indexOf('Restoring prod'));
    expect(written).toContain('Committed: from here there is only forward.');
    expect(written).toMatch(new RegExp(`${ESCAPE}\\[\\d+A`));
    expect(written.indexOf(`${ESCAPE}[?25h`)).toBeGreaterThan(written.lastIndexOf(`${ESCAPE}[?25l`));
  });

  test('on a screen another name than the cluster’s runs nothing', async () => {
    const terminal = new RecordingTerminal(environment, { typed: '' });
    expect(await runCommandLine(['restore', 'run', SNAPSHOT_ID], terminal)).toBe(5);
    expect(coordinator.asked).not.toContain('runRestore');
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readDescription } from '../../lab/lab-description.ts';
import { endLabProcesses, processesOfLab } from '../../lab/processes.ts';
import { runProgram } from '../../lab/programs.ts';
import { until } from '../../lab/wait.ts';

const PROGRAM = resolve(import.meta.dirname, '../../lab/main.ts');
const UP = [PROGRAM, 'up', '--nodes', '1', '--no-lockstep', '--dir'] as const;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lab-'));
});

afterEach(async () => {
  if (existsSync(join(directory, 'lab.json'))) await endLabProcesses(readDescription(directory).id);
  await rm(directory, { recursive: true, force: true });
});

async function up(): Promise<{ child: ChildProcess; labId: string }> {
  const child = spawn(process.execPath, [...UP, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  await until('the lab is up', () => printed.includes('take down'), AbortSignal.timeout(60_000));
  return { child, labId: readDescription(directory).id };
}

it('ends the whole lab when the process that brought it up is killed', async () => {
  const { child, labId } = await up();
  expect(processesOfLab(labId).length).toBeGreaterThan(5);
  child.kill('SIGKILL');
  await until('nothing of it runs', () => processesOfLab(labId).length === 0, AbortSignal.timeout(10_000));
  expect(existsSync(directory)).toBe(true);
});

it('takes the lab down at Ctrl-C', async () => {
  const { child, labId } = await up();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  expect(await ended).toBe(0);
  expect(processesOfLab(labId)).toEqual([]);
  expect(existsSync(directory)).toBe(false);
});

it('leaves a detached lab running until it is taken down', async () => {
  const started = await runProgram(process.execPath, [...UP, directory, '--detach']);
  expect(started.exitCode).toBe(0);
  expect(started.stdout).toContain(`down --dir ${directory}`);
  const { id } = readDescription(directory);
  expect(processesOfLab(id).length).toBeGreaterThan(5);
  const ended = await runProgram(process.execPath, [PROGRAM, 'down', '--dir', directory]);
  expect(ended.exitCode).toBe(0);
  expect(processesOfLab(id)).toEqual([]);
  expect(existsSync(directory)).toBe(false);
});

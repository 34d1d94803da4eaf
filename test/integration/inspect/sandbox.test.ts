import { deepStrictEqual } from 'node:assert/strict';
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deadline } from '@lockstep/shared/deadline.ts';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type EtcdTools, locateTools } from '../../lab/tools/locate.ts';
import { CommandLineProcess, type Ended, lockstep } from '../cli/command-line.ts';
import { APP, Incident } from './incident.ts';

const READY_TIMEOUT_MS = 60_000;

let tools: EtcdTools;
let incident: Incident;

beforeAll(async () => {
  tools = (await locateTools()).etcd;
  incident = await Incident.make(tools);
});

afterAll(async () => {
  await incident[Symbol.asyncDispose]();
});

interface Ready {
  readonly type: string;
  readonly directory: string;
  readonly endpoint: string;
  readonly pid: number;
}

it('a sandbox serves what the snapshot holds, to its owner alone, and leaves nothing on Ctrl-C', async () => {
  const before = incident.state();
  const path = `${dirname(tools.etcdutl)}:/usr/bin:/bin`;
  const running = new CommandLineProcess(['inspect', 'sandbox', incident.before, '-o', 'json'], {
    PATH: path,
  });
  const { directory, endpoint, pid } = await readyOf(running);
  expect(endpoint).toBe('unix://client:1');
  expect(lstatSync(directory).mode & 0o777).toBe(0o700);
  {
    using client = new EtcdClient({ url: `unix:/proc/${pid}/cwd/client:1` });
    const value = await client.get(Buffer.from(APP), deadline(READY_TIMEOUT_MS));
    expect(JSON.parse(Buffer.from(value!).toString())).toMatchObject({ data: { level: 'info' } });
  }
  running.interrupt();
  expect(await running.ended).toMatchObject({ exit: 0, err: '' });
  expect(existsSync(directory)).toBe(false);
  expect(existsSync(`/proc/${pid}`)).toBe(false);
  deepStrictEqual(incident.state(), before);
});

it('a server that does not start is told with its last words, and nothing is left of it', async () => {
  const server = join(incident.etcd.directory, 'no-etcd');
  writeFileSync(server, '#!/bin/sh\necho "cannot serve $PWD" >&2\nexit 7\n', { mode: 0o700 });
  const path = `${dirname(tools.etcdutl)}:/usr/bin:/bin`;
  const { exit, err } = await new CommandLineProcess(
    ['inspect', 'sandbox', incident.before, '--etcd', server],
    {
      PATH: path,
    },
  ).ended;
  expect(exit).not.toBe(0);
  const directory = /cannot serve (\S+)/u.exec(err.replaceAll(/\n\s+/gu, ' '))?.[1];
  expect(err).toContain('BUILD_FAILED');
  expect(directory).toMatch(/lockstep-sandbox-/u);
  expect(existsSync(directory!)).toBe(false);
});

it.each([
  ['no program at all', undefined, 'API_SERVER_MISSING', 'is no kube-apiserver'],
  ['another program', 'echo "etcd Version: 3.5.16"', 'API_SERVER_MISSING', 'is no kube-apiserver'],
  ['one older than the store', 'echo "Kubernetes v1.20.4"', 'API_SERVER_MISMATCH', 'v1.34.0'],
  ['one much newer', 'echo "Kubernetes v1.38.0"', 'API_SERVER_MISMATCH', 'v1.34.0'],
])('%s for an API is refused before anything is made', async (what, script, code, said) => {
  const program = join(incident.etcd.directory, what.replaceAll(' ', '-'));
  if (script !== undefined) writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
  const { exit, out } = await refused(['--apiserver', program, '-o', 'json']);
  expect([exit, JSON.parse(out)]).toEqual([5, expect.objectContaining({ code })]);
  expect(JSON.parse(out)).toMatchObject({ message: expect.stringContaining(said) });
});

it('an API server that ends takes the sandbox with it, and says its last words', async () => {
  const program = join(incident.etcd.directory, 'ends');
  const script =
    '[ "$1" = --version ] && echo "Kubernetes v1.34.1" && exit\necho "no quarter in $PWD" >&2\nexit 7';
  writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
  const { exit, err } = await sandboxProcess(['--apiserver', program]).ended;
  expect(exit).not.toBe(0);
  expect(err).toContain('API_SERVER_FAILED');
  const directory = /no quarter in (\S+)/u.exec(err.replaceAll(/\n\s+/gu, ' '))?.[1];
  expect(directory).toMatch(/lockstep-sandbox-/u);
  expect(existsSync(directory!)).toBe(false);
});

it('SIGTERM in the middle of a start leaves nothing', async () => {
  const program = join(incident.etcd.directory, 'waits');
  const told = join(incident.etcd.directory, 'waits.told');
  const script = `[ "$1" = --version ] && echo "Kubernetes v1.34.1" && exit\necho "$$ $PWD" > ${told}.new\nmv ${told}.new ${told}\nexec sleep 300`;
  writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
  const running = sandboxProcess(['--apiserver', program]);
  await waitFor(
    { describe: () => 'the API server was started', check: async () => existsSync(told) },
    100,
    deadline(READY_TIMEOUT_MS),
  );
  const [pid, directory] = readFileSync(told, 'utf8').trim().split(' ');
  expect(existsSync(`/proc/${pid}`) && existsSync(directory!)).toBe(true);
  running.terminate();
  expect(await running.ended).toMatchObject({ exit: 0, out: '', err: '' });
  expect(existsSync(directory!)).toBe(false);
  expect(existsSync(`/proc/${pid}`)).toBe(false);
});

it('what is for an API alone is refused without one', async () => {
  const { exit, err } = await refused(['--writable']);
  expect([exit, err]).toEqual([2, expect.stringContaining('--apiserver')]);
});

function sandboxProcess(args: readonly string[]): CommandLineProcess {
  const path = `${dirname(tools.etcdutl)}:/usr/bin:/bin`;
  return new CommandLineProcess(['inspect', 'sandbox', incident.before, ...args], { PATH: path });
}

/** In this process: nothing is started. */
async function refused(args: readonly string[]): Promise<Ended> {
  return await lockstep(['inspect', 'sandbox', incident.before, ...args]);
}

async function readyOf(running: CommandLineProcess): Promise<Ready> {
  await waitFor(
    { describe: () => 'the sandbox is ready', check: async () => running.out.includes('\n') },
    100,
    deadline(READY_TIMEOUT_MS),
  );
  const ready = JSON.parse(running.out) as Ready;
  expect(ready.type).toBe('ready');
  return ready;
}

import { deepStrictEqual } from 'node:assert/strict';
import { existsSync, lstatSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EtcdClient } from '@lockstep/shared/etcd/client.ts';
import { deadline, waitFor } from '@lockstep/shared/waiting.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type EtcdTools, locateTools } from '../../lab/tools/locate.ts';
import { CommandLineProcess } from '../cli/command-line.ts';
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

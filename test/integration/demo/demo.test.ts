import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runProgram } from '../../lab/programs.ts';
import { locateTools } from '../../lab/tools/locate.ts';

const PROGRAM = fileURLToPath(new URL('../../demo/main.ts', import.meta.url));
const TIMEOUT_MS = 280_000;

/** The phases of a restore, in their order. */
const PHASES = [
  'inspect',
  'promise',
  'stage',
  'build',
  'safeguard',
  're-inspect',
  'fence',
  'swap',
  'start-etcd',
  'commit',
  'start-api',
  'start-controllers',
  'report',
];

test('the demo ends restored, proven, and says so in one JSON document', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { etcd } = await locateTools();
  const { exitCode, stdout, stderr } = await runProgram(process.execPath, [PROGRAM, '-o', 'json'], {
    timeoutMs: TIMEOUT_MS,
  });
  expect(exitCode, stderr).toBe(0);
  const result = JSON.parse(stdout) as { phases: { name: string; ms: number }[] };
  expect(result).toEqual({
    outcome: 'restored',
    nodes: 3,
    etcdVersion: etcd.version,
    snapshot: {
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      revision: expect.any(Number),
      totalKey: expect.any(Number),
      bytes: expect.any(Number),
    },
    intrusion: { objects: 49, remaining: 0 },
    baseline: { objects: 2_776, missing: 0, changed: 0 },
    hashKv: { equal: true, revision: expect.any(Number) },
    outageMs: expect.any(Number),
    floorMs: expect.any(Number),
    phases: expect.any(Array),
  });
  expect(result.phases.map(({ name }) => name)).toEqual(PHASES);
});

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { locateAllEtcd } from '../lab/tools/locate.ts';
import { writeLargeStore } from './snapshots/written-store.ts';

/*
 * What it takes to read a store as evidence: `node test/bench/read.ts [megabytes...]`. Each reading
 * is a process of its own; times are of the processor, so that a busy machine does not count.
 */

const MEGABYTE = 1_000_000;
const CHUNK_BYTES = MEGABYTE;

/** Programs of one line, with the evidence at hand. */
const READINGS = {
  'rows()': 'let n = 0; evidence.rows((row) => { n += row.value.length; }); return n;',
  'rows(), keys too': 'let n = 0; evidence.rows((row) => { n += row.key.length; }); return n;',
  'carved()': 'let n = 0; evidence.carved(() => { n++; }); return n;',
  facts: 'return evidence.facts.revision;',
} as const;

interface Cost {
  readonly cpuMs: number;
  readonly peakBytes: number;
  readonly told: string;
}

function program(body: string): string {
  return `
    import { openEvidence } from '@lockstep/shared/evidence/open.ts';
    import { peakBytes } from '${import.meta.dirname}/snapshots/peak-memory.ts';
    import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
    const read = async (path) => { ${body} };
    const before = process.cpuUsage();
    const told = await read(process.argv[1]);
    const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify({ cpuMs: (user + system) / 1000, peakBytes: peakBytes(process.pid), told: String(told) }));
  `;
}

function measure(body: string, path: string): Cost {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', program(body), path],
    { cwd: import.meta.dirname, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Cost;
}

/** Puts the SHA-256 at the end that a snapshot has. */
function seal(path: string): void {
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const fd = openSync(path, 'a+');
  try {
    for (let offset = 0; ; ) {
      const got = readSync(fd, chunk, 0, chunk.length, offset);
      if (got === 0) break;
      hash.update(chunk.subarray(0, got));
      offset += got;
    }
    writeSync(fd, hash.digest());
  } finally {
    closeSync(fd);
  }
}

/** The processor's time of a child, by the operating system. */
function utilityCost(etcdutl: string, path: string): number {
  const { stderr } = spawnSync(
    '/bin/bash',
    ['-c', 'TIMEFORMAT="%U %S"; time "$0" snapshot status "$1" >/dev/null', etcdutl, path],
    {
      encoding: 'utf8',
    },
  );
  const [user = 0, system = 0] = stderr.trim().split(/\s+/).slice(-2).map(Number);
  return (user + system) * 1000;
}

const sizes = process.argv.slice(2).map(Number);
const directory = mkdtempSync(join(tmpdir(), 'lockstep-read-'));
const say = (line: string): void => void process.stdout.write(`${line}\n`);
try {
  const [tools] = await locateAllEtcd();
  for (const megabytes of sizes.length === 0 ? [20, 400] : sizes) {
    const path = join(directory, `${megabytes}.db`);
    const { rows, freeRows } = writeLargeStore(path, megabytes * MEGABYTE);
    say(`${megabytes} MB: ${rows} rows, ${freeRows} in free pages`);
    const cost = (name: string, { cpuMs, peakBytes, told }: Cost) => {
      const rate = Math.round(megabytes / (cpuMs / 1000));
      say(
        `  ${name}: ${Math.round(cpuMs)} ms, ${rate} MB/s, ${Math.round(peakBytes / MEGABYTE)} MB resident; ${told}`,
      );
    };
    for (const [name, body] of Object.entries(READINGS)) {
      cost(name, measure(`using evidence = openEvidence(path); ${body}`, path));
    }
    seal(path);
    const shown = measure(
      `const facts = await readSnapshotFacts(path, { trailer: 'required' }, AbortSignal.timeout(600_000)); return facts.status.hash;`,
      path,
    );
    cost('snapshot show, with its digest', shown);
    if (tools === undefined) continue;
    const utility = utilityCost(tools.etcdutl, path);
    say(
      `  etcdutl ${tools.version} snapshot status: ${Math.round(utility)} ms; ours takes ${(shown.cpuMs / utility).toFixed(1)} times as long`,
    );
    rmSync(path);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

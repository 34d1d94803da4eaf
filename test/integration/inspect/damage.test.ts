import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runCommandLine } from '@lockstep/coordinator/cli/run.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RecordingTerminal } from '../cli/command-line.ts';

const WHOLE = resolve(import.meta.dirname, '../../fuzz/corpus/etcd-3.6.db');
const PAGE_BYTES = 4096;
const FLAGS_AT = 8;

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lockstep-damage-'));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function damage(file: string, ...args: string[]): Promise<{ exit: number; out: string; err: string }> {
  const terminal = new RecordingTerminal({ HOME: '/nonexistent', LOCKSTEP_CONFIG: '/nonexistent' });
  const exit = await runCommandLine(['inspect', 'damage', file, ...args], terminal);
  return { exit, out: terminal.written, err: terminal.complained };
}

/** The whole file, changed; the change is made on a copy. */
function changed(name: string, change: (bytes: Buffer) => Buffer): string {
  const path = join(directory, name);
  writeFileSync(path, change(readFileSync(WHOLE)));
  return path;
}

async function rowsOf(file: string): Promise<{ page: number; inTree: boolean }[]> {
  return JSON.parse((await damage(file, '--rows', '-o', 'json')).out).rows;
}

describe('inspect damage', () => {
  it('finds none in a whole file', async () => {
    const { exit, out } = await damage(WHOLE, '-o', 'json');
    expect({ exit, ...JSON.parse(out) }).toMatchObject({
      exit: 0,
      faults: [],
      missingBytes: 0,
      rowsBeside: 0,
    });
    expect(JSON.parse(out).rowsInTree).toBeGreaterThan(50);
  });

  it('names the page at fault, and reads the rows of the others', async () => {
    const rows = await rowsOf(WHOLE);
    const page = rows[0]?.page ?? 0;
    const torn = changed('page.db', (bytes) => {
      bytes.writeUInt16LE(0x77, page * PAGE_BYTES + FLAGS_AT);
      return bytes;
    });
    const { exit, out } = await damage(torn, '-o', 'json');
    expect({ exit, ...JSON.parse(out) }).toMatchObject({
      exit: 8,
      outcome: 'findings',
      faultCount: 1,
      faults: [{ page, what: `Page ${page} is neither branch nor leaf.` }],
      rowsInTree: rows.filter((row) => row.page !== page).length,
    });
    expect((await rowsOf(torn)).filter(({ inTree }) => inTree)).toEqual(
      rows.filter((row) => row.page !== page),
    );
  });

  it('lists every row that a torn file still holds, and where it lies', async () => {
    const torn = changed('torn.db', (bytes) => bytes.subarray(0, bytes.length - 9000));
    const { exit, out } = await damage(torn, '--rows', '-o', 'json');
    const answer = JSON.parse(out);
    expect(exit).toBe(8);
    expect(answer.missingBytes).toBeGreaterThan(8000);
    expect(answer.rows).toHaveLength(answer.rowsInTree + answer.rowsBeside);
    expect(answer.rows.length).toBeGreaterThan(20);
  });

  it('says so where there is no such file', async () => {
    expect(await damage(join(directory, 'nothing.db'))).toMatchObject({ exit: 5, out: '' });
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** What is shipped can be made to fail by nobody: failpoints are of the tests, around the ports. */
const root = resolve(import.meta.dirname, '../..');

interface ShippedFile {
  readonly path: string;
  readonly text: string;
}

function filesOf(folder: string): ShippedFile[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: path.slice(root.length + 1), text: readFileSync(path, 'utf8') }))
    .filter(({ path }) => !path.includes('node_modules/'));
}

const shipped = ['agent', 'coordinator', 'shared', 'deploy'].flatMap(filesOf);
const VARIABLES = [
  'COLUMNS',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'LOCKSTEP_CONFIG',
  'LOCKSTEP_LOG_LEVEL',
  'NO_COLOR',
  'PATH',
  'TERM',
];
const programs = shipped.filter(({ path }) => path.endsWith('.ts') && !path.endsWith('.test.ts'));

describe('what is shipped', () => {
  it('has no failpoint and knows of none', () => {
    expect(programs.length).toBeGreaterThan(200);
    const found = shipped.filter(({ text }) => /failpoint|LOCKSTEP_(TEST|FAIL)/i.test(text));
    expect(found.map(({ path }) => path)).toEqual([]);
  });

  it('reads these variables of the environment and no others', () => {
    const read = new Set(
      programs.flatMap(({ text }) =>
        [...text.matchAll(/(?:\benv|\benvironment)(?:\.|\[')([A-Z][A-Z_]+)/g)].map(([, name]) => name ?? ''),
      ),
    );
    expect([...read].sort((a, b) => a.localeCompare(b))).toEqual(VARIABLES);
  });

  it('puts nothing around its ports by itself', () => {
    const around = programs.filter(({ text }) => /\bAround\b/.test(text)).map(({ path }) => path);
    expect(around.sort()).toEqual([
      'agent/assembly.ts',
      'agent/main.ts',
      'coordinator/main.ts',
      'shared/around.ts',
    ]);
    for (const { path, text } of programs.filter((file) => file.path.endsWith('main.ts'))) {
      expect(/if \(import\.meta\.main\) await run\w+\(([^)]*)\)/.exec(text)?.[1] ?? '', path).toBe('');
    }
  });

  it('is made of folders without tests', () => {
    const dockerfile = readFileSync(join(root, 'deploy/image/Dockerfile'), 'utf8');
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) =>
      (sources ?? '').split(' '),
    );
    expect(copied).toContain('agent');
    expect(copied.filter((source) => /^(\.|test)(\/|$)/.test(source))).toEqual([]);
    const installer = readFileSync(join(root, 'deploy/install-agent.sh'), 'utf8');
    const parts = /for part in ([^;]+);/.exec(installer)?.[1]?.split(' ') ?? [];
    expect(parts).toContain('agent');
    expect(parts).not.toContain('test');
  });
});

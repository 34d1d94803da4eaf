import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const PROGRAM = resolve(import.meta.dirname, '../../../coordinator/cli/main.ts');
const SNAPSHOT = resolve(import.meta.dirname, '../../fuzz/corpus/etcd-3.6.db');
/** Says at the end which packages were loaded, on a line of its own. */
const WATCH = `
  import { registerHooks } from 'node:module';
  const packages = new Set();
  registerHooks({
    load(url, context, next) {
      const [, name] = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url) ?? [];
      if (name !== undefined) packages.add(name);
      return next(url, context);
    },
  });
  process.on('exit', () => console.log('LOADED ' + JSON.stringify([...packages])));
`;

function packagesOf(...args: string[]): string[] {
  const watch = `data:text/javascript,${encodeURIComponent(WATCH)}`;
  const said = execFileSync(process.execPath, ['--import', watch, PROGRAM, ...args], { encoding: 'utf8' });
  return JSON.parse(/^LOADED (.*)$/m.exec(said)?.[1] ?? '') as string[];
}

// Loading everything takes longer than most files take to read.
describe('a command loads what it needs', () => {
  it.each([
    ['snapshot', 'show', SNAPSHOT],
    ['snapshot', 'verify', SNAPSHOT],
    ['inspect', 'keys', SNAPSHOT],
    ['inspect', 'timeline', SNAPSHOT],
  ])('%s %s of a file: nothing that talks to a coordinator', (...args) => {
    const packages = packagesOf(...args);
    expect(packages).toContain('commander');
    expect(packages).not.toContain('@grpc/grpc-js');
    expect(packages).not.toContain('@peculiar/x509');
  });

  it('help: no command at all', () => {
    const packages = packagesOf('inspect', 'report', '--help');
    expect(packages).toContain('commander');
    expect(packages).not.toContain('zod');
    expect(packages).not.toContain('@grpc/grpc-js');
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * Holds the directions of docs/architecture.md, "Directions": who may import whom, what a pure
 * core may reach, and which packages run as root.
 */
const root = resolve(import.meta.dirname, '../..');
const workspaces = ['shared', 'coordinator', 'agent', 'test'] as const;
type Workspace = (typeof workspaces)[number];

interface SourceFile {
  readonly path: string;
  readonly workspace: Workspace;
  readonly text: string;
  /** Repository paths for our own files, package names for the rest. */
  readonly imports: readonly string[];
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s*['"]([^'"]+)['"]/g;

function resolveImport(from: string, specifier: string): string {
  if (specifier.startsWith('.')) return relative(root, resolve(root, dirname(from), specifier));
  if (specifier.startsWith('@lockstep/')) return specifier.slice('@lockstep/'.length);
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function sourceFiles(workspace: Workspace): SourceFile[] {
  return readdirSync(join(root, workspace), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules/'))
    .map((name) => {
      const path = join(workspace, name);
      const text = readFileSync(join(root, path), 'utf8');
      const imports = [...text.matchAll(IMPORT)].map((match) =>
        resolveImport(path, match[1] ?? match[2] ?? match[3] ?? ''),
      );
      return { path, workspace, text, imports };
    });
}

const files = workspaces.flatMap(sourceFiles);
const product = files.filter((file) => file.workspace !== 'test' && !file.path.endsWith('.test.ts'));

function offenders(
  selected: readonly SourceFile[],
  forbidden: (imported: string, file: SourceFile) => boolean,
): string[] {
  return selected.flatMap((file) =>
    file.imports
      .filter((imported) => forbidden(imported, file))
      .map((imported) => `${file.path} imports ${imported}`),
  );
}

function under(...prefixes: string[]): (file: SourceFile) => boolean {
  return (file) => prefixes.some((prefix) => file.path.startsWith(prefix));
}

describe('directions', () => {
  it('finds the files that it judges', () => {
    expect(product.filter(under('agent/core/')).length).toBeGreaterThan(2);
    expect(product.filter(under('coordinator/core/')).length).toBeGreaterThan(5);
  });

  it('shared imports neither program', () => {
    expect(
      offenders(product.filter(under('shared/')), (to) => /^(coordinator|agent|test)\//.test(to)),
    ).toEqual([]);
  });

  it('coordinator and agent never import each other, nor the tests', () => {
    expect(offenders(product.filter(under('coordinator/')), (to) => /^(agent|test)\//.test(to))).toEqual([]);
    expect(offenders(product.filter(under('agent/')), (to) => /^(coordinator|test)\//.test(to))).toEqual([]);
  });

  it('core imports only core and pure parts of shared', () => {
    const pure = /^(shared\/(generated|errors|plan)\/|shared\/marks\.ts$|@bufbuild\/protobuf$|croner$)/;
    expect(
      offenders(product.filter(under('agent/core/', 'coordinator/core/')), (to, file) => {
        const own = `${file.workspace}/core/`;
        const ports = `${file.workspace}/ports.ts`;
        return !to.startsWith(own) && to !== ports && !pure.test(to);
      }),
    ).toEqual([]);
  });

  it('core reads no clock, throws no dice, logs nothing', () => {
    const impure = /\bDate\.now\(|new Date\(\)|Math\.random|setTimeout|setInterval|process\.|console\./;
    const found = product
      .filter(under('agent/core/', 'coordinator/core/', 'shared/plan/'))
      .filter((file) => impure.test(file.text))
      .map((file) => file.path);
    expect(found).toEqual([]);
  });

  it('the executor and the runner reach the world through ports only', () => {
    expect(
      offenders(product.filter(under('agent/executor/')), (to) =>
        /^agent\/(adapters|hosting|api)\//.test(to),
      ),
    ).toEqual([]);
    expect(
      offenders(product.filter(under('coordinator/runner/')), (to) =>
        /^coordinator\/(adapters|api|cli)\//.test(to),
      ),
    ).toEqual([]);
  });

  it('the independent checker of the demo uses nothing of the product', () => {
    expect(
      offenders(files.filter(under('test/demo/checker')), (to) => /^(shared|coordinator|agent)\//.test(to)),
    ).toEqual([]);
  });

  it('the independent checker of the faults uses nothing but itself', () => {
    const checker = files.filter(under('test/faults/checker/'));
    expect(checker.length).toBeGreaterThan(5);
    expect(
      offenders(checker, (to) => !to.startsWith('node:') && !to.startsWith('test/faults/checker/')),
    ).toEqual([]);
  });
});

describe('dependencies', () => {
  function dependencies(workspace: string): string[] {
    const manifest = JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8'));
    return Object.keys(manifest.dependencies).sort();
  }

  it('the agent, which runs as root, carries this short list and no more', () => {
    const own = dependencies('agent').filter((name) => name !== '@lockstep/shared');
    const all = [...new Set([...own, ...dependencies('shared')])].sort();
    expect(all).toEqual([
      '@bufbuild/protobuf',
      '@grpc/grpc-js',
      '@noble/ciphers',
      'age-encryption',
      'canonicalize',
      'koffi',
      'nats',
      'pino',
      'yaml',
      'zod',
    ]);
  });

  it('every version is pinned', () => {
    const loose = ['.', ...workspaces].flatMap((workspace) => {
      const manifest = JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8'));
      const all: Record<string, string> = { ...manifest.dependencies, ...manifest.devDependencies };
      return Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version));
    });
    expect(loose).toEqual([]);
  });

  it('every package that a workspace imports is its own dependency', () => {
    const missing = product.flatMap((file) => {
      const declared = dependencies(file.workspace);
      return file.imports
        .filter((to) => !to.startsWith('node:') && !workspaces.some((name) => to.startsWith(`${name}/`)))
        .filter((to) => !declared.includes(to))
        .map((to) => `${file.path} imports ${to}`);
    });
    expect(missing).toEqual([]);
  });
});

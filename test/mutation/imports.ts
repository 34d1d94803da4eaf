import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const IMPORT = /(?:^|\n)\s*(?:import|export)\s(?!type\b)[^'"]*?from\s*['"]([^'"]+)['"]/g;

/** Everything of the repository that a file loads, itself among it; paths relative to the root. */
export function loadedBy(root: string, file: string, known: Map<string, string[]>): Set<string> {
  const seen = new Set<string>();
  const waiting = [file];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const imports = known.get(next) ?? importsOf(root, next);
    known.set(next, imports);
    waiting.push(...imports);
  }
  return seen;
}

function importsOf(root: string, file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(IMPORT)].flatMap(([, specifier = '']) => {
    const path = specifier.startsWith('.')
      ? relative(root, resolve(root, dirname(file), specifier))
      : specifier.replace(/^@lockstep\//, '');
    return path.endsWith('.ts') && existsSync(join(root, path)) ? [path] : [];
  });
}

import { createHash } from 'node:crypto';
import { access, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from '../../test/lab/tools/commands.ts';
import { KUBERNETES_MODULES, type ModulePin } from './modules.ts';

const HERE = import.meta.dirname;
/** What each pinned set made, beside the tools of the tests: compiling one takes a minute. */
const CACHE = resolve(HERE, '../../.tools/kubernetes-descriptions');
const REGISTERS = /AddToScheme/;

/** File name -> text, of all that lies in shared/kubernetes/descriptions. */
export async function describeAll(signal: AbortSignal): Promise<Map<string, string>> {
  const sections = new Map<string, string>();
  for (const pins of KUBERNETES_MODULES) {
    for (const section of await describe(pins, signal)) {
      const [head = ''] = section.split('\n', 1);
      const path = head.split(' ')[1] ?? '';
      const before = sections.get(path);
      sections.set(path, before === undefined ? section : withRemoved(before, section));
    }
  }
  const files = new Map<string, string[]>();
  for (const path of [...sections.keys()].sort()) {
    const [group = ''] = path.split('/');
    files.set(group, [...(files.get(group) ?? []), sections.get(path) ?? '']);
  }
  const texts = [...files].map(([group, all]) => [`${group}.ts`, groupFile(group, all)] as const);
  return new Map([...texts, ['tables.ts', tablesFile([...files.keys()])]]);
}

/** One section a package: "# apps/v1 apps/v1", then its messages. */
async function describe(pins: readonly ModulePin[], signal: AbortSignal): Promise<string[]> {
  const cached = await cachedTable(pins);
  const table = await readFile(cached, 'utf8').catch(() => undefined);
  const made = table ?? (await makeTable(pins, signal));
  if (table === undefined) {
    await mkdir(CACHE, { recursive: true });
    await writeFile(cached, made);
  }
  return made.split(/^(?=# )/m).map((section) => section.trimEnd());
}

async function cachedTable(pins: readonly ModulePin[]): Promise<string> {
  const program = await readFile(join(HERE, 'describe.go'));
  const digest = createHash('sha256').update(program).update(JSON.stringify(pins)).digest('hex');
  return join(CACHE, `${pins[0]?.version}-${digest.slice(0, 12)}.txt`);
}

/** True where every table is at hand, and neither Go nor a network is wanted. */
export async function isAtHand(): Promise<boolean> {
  const paths = await Promise.all(KUBERNETES_MODULES.map(cachedTable));
  const found = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.every(Boolean);
}

async function makeTable(pins: readonly ModulePin[], signal: AbortSignal): Promise<string> {
  const cwd = await mkdtemp(join(tmpdir(), 'lockstep-descriptions-'));
  try {
    const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-modcacherw -mod=mod' };
    await copyFile(join(HERE, 'describe.go'), join(cwd, 'describe.go'));
    await run('go', ['mod', 'init', 'lockstep.local/descriptions'], { cwd, env }, signal);
    await run(
      'go',
      ['get', ...pins.map(({ module, version }) => `${module}@${version}`)],
      { cwd, env },
      signal,
    );
    const packages: string[] = [];
    for (const pin of pins) packages.push(...(await packagesOf(pin, { cwd, env }, signal)));
    await writeFile(join(cwd, 'register.go'), registerFile(packages));
    return await run('go', ['run', '.'], { cwd, env }, signal);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

/** The packages of a module that register kinds of a version: api/GROUP/VERSION. */
async function packagesOf(
  { module, version, below }: ModulePin,
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  signal: AbortSignal,
): Promise<string[]> {
  const directory = (
    await run('go', ['list', '-m', '-f', '{{.Dir}}', `${module}@${version}`], options, signal)
  ).trim();
  const found: string[] = [];
  if (below === undefined) return found;
  for (const name of (await readdir(join(directory, below), { recursive: true })).sort()) {
    if (!/^\w+\/v\w+\/register\.go$/.test(name)) continue;
    if (!REGISTERS.test(await readFile(join(directory, below, name), 'utf8'))) continue;
    found.push(join(module, below, name.slice(0, -'/register.go'.length)));
  }
  return found;
}

function registerFile(packages: readonly string[]): string {
  return `package main

import (
\t"k8s.io/apimachinery/pkg/runtime"
${packages.map((path, index) => `\tp${index} "${path}"`).join('\n')}
)

var registrations = []func(*runtime.Scheme) error{
${packages.map((_, index) => `\tp${index}.AddToScheme,`).join('\n')}
}
`;
}

/** The newest version's word counts; an older one adds what was removed since. */
function withRemoved(newest: string, older: string): string {
  const [head = '', ...messages] = messagesOf(newest);
  const merged = new Map(messages.map((message) => [nameOf(message), message]));
  for (const message of messagesOf(older).slice(1)) {
    const newer = merged.get(nameOf(message));
    merged.set(nameOf(message), newer === undefined ? message : withRemovedFields(newer, message));
  }
  const names = [...merged.keys()].sort((a, b) => (a < b ? -1 : 1));
  return [head, ...names.map((name) => merged.get(name))].join('\n');
}

/**
 * A removed field stands behind the one that it stood behind; its number is never given anew. An
 * API server of today prints it no more: it is left out where it was not stored.
 */
function withRemovedFields(newest: string, older: string): string {
  const lines = newest.split('\n');
  const hasField = (line: string, part: number): boolean =>
    lines.some((each, index) => index > 0 && each.trim().split(' ')[part] === line.trim().split(' ')[part]);
  let behind = 0;
  for (const line of older.split('\n').slice(1)) {
    if (!hasField(line, 0) && !hasField(line, 1))
      lines.splice(behind + 1, 0, line.replace(/^( \d+ [^ ?]+)\??/, '$1?'));
    const same = lines.findIndex(
      (each, index) => index > 0 && each.trim().split(' ')[0] === line.trim().split(' ')[0],
    );
    if (same > 0) behind = same;
  }
  return lines.join('\n');
}

function messagesOf(section: string): string[] {
  return section.split(/\n(?! )/);
}

function nameOf(message: string): string {
  return message.split(/[ \n]/, 1)[0] ?? '';
}

function groupFile(group: string, sections: readonly string[]): string {
  const pins = KUBERNETES_MODULES.flat().map(({ module, version }) => `${module} ${version}`);
  return `/* Made by scripts/kubernetes-descriptions/make.ts of ${pins[0]} and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const ${constantOf(group)} = \`
${sections.join('\n')}
\`;
`;
}

function tablesFile(groups: readonly string[]): string {
  return `/* Made by scripts/kubernetes-descriptions/make.ts. */
${groups.map((group) => `import { ${constantOf(group)} } from './${group}.ts';`).join('\n')}

export const TABLES: readonly string[] = [
${groups.map((group) => `  ${constantOf(group)},`).join('\n')}
];
`;
}

function constantOf(group: string): string {
  return group.toUpperCase();
}

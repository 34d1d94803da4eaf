import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './commands.ts';
import type { GoSource, PinnedTool } from './versions.ts';

/**
 * Builds a tool's programs from their pinned modules into `binDirectory`. A temporary module asks for
 * all of them at once, because `go install pkg@version` refuses modules with replace directives.
 */
export async function buildWithGo(
  tool: PinnedTool,
  source: GoSource,
  scratch: string,
  binDirectory: string,
  signal: AbortSignal,
): Promise<void> {
  const cwd = join(scratch, 'module');
  await mkdir(cwd, { recursive: true });
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-modcacherw' };
  await run('go', ['mod', 'init', 'lockstep.local/tools'], { cwd, env }, signal);
  if (source.staged !== undefined) await replaceStaged(source.staged, tool.version, { cwd, env }, signal);
  const wanted = source.modules.map((each) => `${packageOf(each)}@v${tool.version}`);
  await run('go', ['get', ...wanted], { cwd, env }, signal);
  for (const each of source.modules) {
    const args = [
      'build',
      '-trimpath',
      '-buildvcs=false',
      `-ldflags=${['-s', '-w', ...(source.stamp ?? []).map((stamp) => `-X ${stamp}`)].join(' ')}`,
      '-o',
      join(binDirectory, each.binary),
      packageOf(each),
    ];
    await run('go', args, { cwd, env }, signal);
  }
}

/**
 * The module asks for parts of its own repository at no version, and replaces them by directories
 * that its published form does not have; each is published as a module of its own as well.
 */
async function replaceStaged(
  { module, version }: NonNullable<GoSource['staged']>,
  moduleVersion: string,
  options: { cwd: string; env: NodeJS.ProcessEnv },
  signal: AbortSignal,
): Promise<void> {
  const said = await run('go', ['mod', 'download', '-json', `${module}@v${moduleVersion}`], options, signal);
  const { GoMod } = JSON.parse(said) as { GoMod: string };
  const parts = (await readFile(GoMod, 'utf8')).matchAll(/^\t(?<part>\S+) => \.\/staging\//gmu);
  const edits = [...parts].map(
    ({ groups }) => `-replace=${groups?.['part']}=${groups?.['part']}@v${version}`,
  );
  await run('go', ['mod', 'edit', ...edits], options, signal);
}

function packageOf({ module, command }: GoSource['modules'][number]): string {
  return command === undefined ? module : `${module}/${command}`;
}

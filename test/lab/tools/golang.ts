import { mkdir } from 'node:fs/promises';
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
  const wanted = source.modules.map((each) => `${packageOf(each)}@v${tool.version}`);
  await run('go', ['get', ...wanted], { cwd, env }, signal);
  for (const each of source.modules) {
    const args = [
      'build',
      '-trimpath',
      '-buildvcs=false',
      '-ldflags=-s -w',
      '-o',
      join(binDirectory, each.binary),
      packageOf(each),
    ];
    await run('go', args, { cwd, env }, signal);
  }
}

function packageOf({ module, command }: GoSource['modules'][number]): string {
  return command === undefined ? module : `${module}/${command}`;
}

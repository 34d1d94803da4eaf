import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export const SLEEP_IMAGE = 'lockstep.local/sleep:1';

/**
 * An image of this machine's own `sleep` and what it is linked to, in Docker's archive format: nothing
 * is fetched. Returns the archive's path.
 */
export async function buildSleepImage(directory: string): Promise<string> {
  const root = join(directory, 'rootfs');
  const linked = execFileSync('ldd', ['/bin/sleep'], { encoding: 'utf8' });
  const libraries = [...linked.matchAll(/(\/[^\s]+) \(/g)].map(([, path]) => path ?? '');
  for (const path of ['/bin/sleep', ...libraries]) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await copyFile(path, join(root, path));
  }
  const layer = join(directory, 'layer.tar');
  execFileSync('tar', ['-cf', layer, '-C', root, '.']);
  const digest = createHash('sha256')
    .update(await readFile(layer))
    .digest('hex');
  const config = {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Entrypoint: ['/bin/sleep', 'infinity'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  };
  await writeFile(join(directory, 'config.json'), JSON.stringify(config));
  await writeFile(
    join(directory, 'manifest.json'),
    JSON.stringify([{ Config: 'config.json', RepoTags: [SLEEP_IMAGE], Layers: ['layer.tar'] }]),
  );
  const archive = join(directory, 'image.tar');
  execFileSync('tar', ['-cf', archive, '-C', directory, 'manifest.json', 'config.json', 'layer.tar']);
  return archive;
}

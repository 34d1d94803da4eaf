import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod } from './pod.ts';

const DIRECTORY_MODE = 0o755;
const FILE_MODE = 0o644;

/**
 * A pod's hostPath volumes as their types ask: `DirectoryOrCreate` makes an empty directory where none
 * is, which is how an etcd manifest over a missing store becomes a new, empty cluster. Throws where a
 * required path is not there.
 */
export function prepareVolumes(pod: Pod, root: string): void {
  for (const { name, hostPath } of pod.volumes) {
    if (hostPath === undefined) continue;
    const path = join(root, hostPath.path);
    const found = statSync(path, { throwIfNoEntry: false });
    switch (hostPath.type) {
      case 'DirectoryOrCreate':
        if (found === undefined) mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
        break;
      case 'Directory':
        if (found?.isDirectory() !== true) throw unmountable(name, `${hostPath.path} is not a directory`);
        break;
      case 'File':
        if (found?.isFile() !== true) throw unmountable(name, `${hostPath.path} is not a file`);
        break;
      case 'FileOrCreate':
        if (found === undefined) writeFileSync(path, '', { mode: FILE_MODE });
        break;
      case '':
        break;
      default:
        throw unmountable(name, `type ${hostPath.type} is not known`);
    }
  }
}

function unmountable(volume: string, why: string): Error {
  return new Error(`MountVolume.SetUp failed for volume "${volume}": hostPath type check failed: ${why}`);
}

import { statfs } from 'node:fs/promises';

import type { DiskReport, KubeletReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { parse } from 'yaml';
import { z } from 'zod';

import type { HostFiles } from '../../adapters/host-files.ts';
import { identityOfNearest } from '../../adapters/process-table.ts';
import type { UnitHold } from '../../adapters/systemd.ts';

const kubeletConfig = z.object({
  staticPodPath: z.string().nullish(),
  evictionHard: z.record(z.string(), z.string()).nullish(),
});

export async function inspectKubelet(
  settings: { readonly unit: string; readonly configPath: string; readonly hold: UnitHold },
  files: HostFiles,
  signal: AbortSignal,
): Promise<KubeletReport> {
  const [text, state] = await Promise.all([
    files.read(settings.configPath, signal),
    settings.hold.state(signal),
  ]);
  const config = kubeletConfig.parse(parse(text.toString('utf8')));
  return {
    unit: settings.unit,
    active: state.activeState === 'active',
    staticPodPath: config.staticPodPath ?? '',
    evictionNodefsAvailable: config.evictionHard?.['nodefs.available'] ?? '',
    // Ours comes and goes by our own doing: that is no drift.
    dropIns: state.dropInPaths.filter((path) => path !== settings.hold.dropInPath),
  };
}

/** What the disk is asked for, and the nearest directory that is there. */
export async function inspectDisk(purpose: string, path: string, real: string): Promise<DiskReport> {
  const nearest = identityOfNearest(real);
  const stats = await statfs(nearest.path, { bigint: true });
  return {
    purpose,
    path,
    freeBytes: stats.bavail * stats.bsize,
    totalBytes: stats.blocks * stats.bsize,
    device: nearest.deviceNumber,
  };
}

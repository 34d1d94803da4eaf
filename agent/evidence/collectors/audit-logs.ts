import { posix } from 'node:path';
import type { Collector } from '../collector.ts';
import { unseen } from '../item.ts';
import { takeTree } from '../take.ts';
import { auditLogPaths } from './api-server.ts';

/** Who did what through the API: the log and what was rotated away from it. Newest ends first where a limit cuts. */
export const auditLogs: Collector = {
  name: 'audit-logs',
  about: 'the API server’s audit log, rotated ones too',
  when: 'by-default',
  async *collect(collecting) {
    const { sources, budget, signal } = collecting;
    const { tree } = sources;
    for (const path of await auditLogPaths(collecting)) {
      if (!tree.allows(path)) {
        yield unseen(path, 'it is outside what the agent may gather');
        continue;
      }
      yield* takeTree({ tree, budget, signal }, path);
      for (const rotated of await rotatedOf(tree, path)) {
        yield* takeTree({ tree, budget, signal }, rotated);
      }
    }
  },
};

/** "audit.log" is rotated to "audit-2026-11-22T10-00-00.000.log", packed or not; newest first. */
async function rotatedOf(tree: Parameters<typeof takeTree>[0]['tree'], path: string): Promise<string[]> {
  const { dir, name, base } = posix.parse(path);
  await using directory = await tree.look(dir);
  if (directory?.kind !== 'directory') return [];
  return (await tree.names(directory))
    .filter((each) => each !== base && each.startsWith(`${name}-`))
    .reverse()
    .map((each) => posix.join(dir, each));
}

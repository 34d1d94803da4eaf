import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Etcd } from '../integration/snapshot/etcd.ts';
import { locateStrace, locateTools } from '../lab/tools/locate.ts';
import { acknowledgedAt, GENERAL_RULES, judge, type Layout } from './syscalls/rules.ts';
import { mayTrace, pathsBelow, traceProgram } from './syscalls/strace.ts';

const PROGRAM = join(import.meta.dirname, 'syscalls/adapters-program.ts');
const strace = await locateStrace();
const canTrace = strace !== undefined && mayTrace();

/**
 * A crash cannot show that a sync is missing: the page cache outlives the process. So each of the
 * agent's durable writers runs under strace, and when it says that it is done nothing that it wrote
 * may be loose any more.
 */
describe.skipIf(!canTrace)(
  'system calls of the agent’s durable writers (needs strace: npm run tools)',
  () => {
    let scratch: string;
    beforeAll(async () => {
      scratch = mkdtempSync(join(tmpdir(), 'syscalls-'));
      const { etcd: tools } = await locateTools();
      await using etcd = await Etcd.start(tools);
      await etcd.put('/registry/namespaces/default', 'x');
      copyFileSync(await etcd.snapshot(), join(scratch, 'snapshot.db'));
    });
    afterAll(() => rmSync(scratch, { recursive: true, force: true }));

    it('have synced all when they say that they are done', async () => {
      const root = join(scratch, 'root');
      const marker = join(scratch, 'marker');
      for (const path of ['data/manifests', 'data/lib', 'data/state']) {
        mkdirSync(join(root, path), { recursive: true });
      }
      const existing = pathsBelow(root);
      const layout: Layout = {
        root,
        ledger: join(root, 'data/state/ledger.db'),
        manifests: join(root, 'data/manifests'),
        parked: join(root, 'data/x/y'),
        dataDir: join(root, 'data/lib/etcd'),
        staging: join(root, 'data/lib/.lockstep'),
        hold: join(root, 'data/state/kubelet.hold'),
        unitDir: join(root, 'data/units'),
        address: '',
      };
      const edges = await traceProgram(
        strace ?? '',
        [process.execPath, PROGRAM, root, marker, join(scratch, 'snapshot.db')],
        join(scratch, 'trace'),
      );
      const { violations, asked } = judge(
        edges,
        [...GENERAL_RULES, acknowledgedAt(marker)],
        layout,
        existing,
      );
      expect(violations).toEqual([]);
      expect(asked.get('what was acknowledged was synced first')).toBe(23);
      for (const [name, times] of asked) expect(times, name).toBeGreaterThan(0);
    });
  },
);

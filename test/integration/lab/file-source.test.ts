import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@lockstep/shared/logging.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FileSource } from '../../lab/kubelet/file-source.ts';
import { timings } from '../../lab/timings.ts';

let directory: string;
let source: FileSource;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] });
  directory = await mkdtemp(join(tmpdir(), 'manifests-'));
  await put('a.yaml', pod('a'));
  source = new FileSource({
    directory,
    nodePath: '/etc/kubernetes/manifests',
    node: 'cp1',
    logger: createLogger('kubelet', 'silent'),
    onChange: () => {},
    eventDelayMs: () => 0,
  });
  source.start();
});

afterEach(async () => {
  source.stop();
  vi.useRealTimers();
  await rm(directory, { recursive: true, force: true });
});

const pod = (name: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: { name: ${name} }\nspec: { containers: [{ name: ${name} }] }\n`;
const put = (file: string, text: string): Promise<void> => writeFile(join(directory, file), text);
const names = (): string[] =>
  source
    .pods()
    .map(({ name }) => name)
    .sort();

/** The names once they are these, or as they are after a while. */
async function eventually(...wanted: string[]): Promise<string[]> {
  const check = async (): Promise<boolean> => names().join() === wanted.join();
  await waitFor({ describe: () => wanted.join(), check }, 5, AbortSignal.timeout(2_000)).catch(() => {});
  return names();
}

const relist = (): unknown => vi.advanceTimersByTime(timings.kubeletRelistMs);

it('takes any file for a manifest but those that begin with a dot, and no directory', async () => {
  await put('b.yaml.backup', pod('b'));
  await put('.c.yaml', pod('c'));
  await mkdir(join(directory, 'd'));
  expect(await eventually('a-cp1', 'b-cp1')).toEqual(['a-cp1', 'b-cp1']);
  relist();
  expect(names()).toEqual(['a-cp1', 'b-cp1']);
});

it('takes a file that is moved in, and drops the pod of one that is moved out', async () => {
  await put('.new', pod('b'));
  await rename(join(directory, '.new'), join(directory, 'b.yaml'));
  expect(await eventually('a-cp1', 'b-cp1')).toEqual(['a-cp1', 'b-cp1']);
  await rename(join(directory, 'a.yaml'), join(directory, '.a.yaml'));
  expect(await eventually('b-cp1')).toEqual(['b-cp1']);
});

it('keeps the pod of a file that no longer parses until the relist, which drops it', async () => {
  await put('a.yaml', 'kind: [');
  await put('b.yaml', pod('b'));
  expect(await eventually('a-cp1', 'b-cp1')).toEqual(['a-cp1', 'b-cp1']);
  relist();
  expect(names()).toEqual(['b-cp1']);
});

it('has no pods where the directory is missing, and finds one that replaced it', async () => {
  await rename(directory, `${directory}.gone`);
  relist();
  expect(names()).toEqual([]);
  await rename(`${directory}.gone`, directory);
  relist();
  expect(names()).toEqual(['a-cp1']);
  await put('b.yaml', pod('b'));
  expect(await eventually('a-cp1', 'b-cp1')).toEqual(['a-cp1', 'b-cp1']);
});

import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeTree } from './tree.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tree-'));
  await mkdir(join(root, 'd'));
  await writeFile(join(root, 'd/file'), 'one');
  await symlink('d/file', join(root, 'link'));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

it('is the same for a tree that nobody touched', async () => {
  const before = await describeTree(root);
  expect([...before.keys()]).toEqual(['', 'd', 'd/file', 'link']);
  expect(await describeTree(root)).toEqual(before);
});

it('shows a byte, a mode, a time, a link and an inode that changed', async () => {
  const changes: ((path: string) => Promise<void>)[] = [
    (path) => chmod(join(path, 'd/file'), 0o600),
    (path) => utimes(join(path, 'd/file'), 1, 1),
    (path) => writeFile(join(path, 'd/file'), 'two'),
    async (path) => {
      await rm(join(path, 'link'));
      await symlink('d', join(path, 'link'));
    },
  ];
  let before = await describeTree(root);
  for (const change of changes) {
    await change(root);
    const after = await describeTree(root);
    expect(after).not.toEqual(before);
    before = after;
  }
});

it('leaves out what it is told to', async () => {
  const tree = await describeTree(root, { skip: (path) => path === 'd' });
  expect([...tree.keys()]).toEqual(['', 'link']);
});

import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { shellWord } from '../../analysis/shell-word.ts';
import { commandLines, widthOf } from './layout.ts';

const WORDS = [
  '/registry/pods/kube-system/etcd-cp1',
  `/registry/apiextensions.k8s.io/customresourcedefinitions/${'pipelines.'.repeat(12)}example.com`,
  `my store's ${'very '.repeat(30)}long name.db`,
  `x\u001b[31mred\u0007\nline\u202e\u009b2J<a>"'\`\\${'\u001b[2J\\'.repeat(40)}`,
  '',
];

describe('a command to be copied', () => {
  it.each([40, 63, 80, 200])('is at %i columns what a shell makes the same words of', (width) => {
    const layout = { width, colour: false, unicode: true, wide: false };
    const lines = commandLines(layout, `printf '%s\\0' ${WORDS.map(shellWord).join(' ')}`, 4);
    expect(lines.filter((line) => widthOf(line) > width)).toEqual([]);
    const said = execFileSync('bash', ['-c', lines.join('\n')], { encoding: 'utf8' });
    expect(said.split('\0').slice(0, -1)).toEqual(WORDS);
  });
});

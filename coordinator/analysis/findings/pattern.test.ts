import { describe, expect, it } from 'vitest';
import { compilePattern, MAX_STATES } from './pattern.ts';

const PATTERNS = [
  '^a(b|c)*d$',
  '(^|/)kube-proxy[:@]',
  '[^a-c]+x?',
  'a{2,3}b',
  '\\bnc\\b',
  '(a|ab)(c|bcd)(d*)',
  '^$',
  'a.c',
  '[]a]b|\\d\\w\\s',
  'x{0,2}y{2,}',
  '(?:ab)+$',
];
const ALPHABET = ['a', 'b', 'c', 'd', 'x', 'y', '/', ':', ' ', '1', ']', 'nc', 'kube-proxy'];

describe('patterns', () => {
  it('say what JavaScript’s own say of texts of all sorts', () => {
    let state = 42;
    const draw = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (const source of PATTERNS) {
      const pattern = compilePattern(source);
      const own = new RegExp(source.replace('[]a]', '[\\]a]'));
      for (let count = 0; count < 300; count += 1) {
        const text = Array.from({ length: draw(8) }, () => ALPHABET[draw(ALPHABET.length)]).join('');
        expect(pattern.test(text), `${source} in ${JSON.stringify(text)}`).toBe(own.test(text));
      }
    }
  });

  it('are blind to case where they say so', () => {
    expect(compilePattern('(?i)XMRig').test('/bin/xmrig')).toBe(true);
    expect(compilePattern('(?i)[m-p]ool').test('POOL')).toBe(true);
    expect(compilePattern('XMRig').test('/bin/xmrig')).toBe(false);
  });

  it('take no longer on texts that are made against them', () => {
    const begin = performance.now();
    expect(compilePattern('^(a+)+$').test(`${'a'.repeat(20_000)}b`)).toBe(false);
    expect(compilePattern('(.*)(.*)(.*)(.*)x').test('a'.repeat(5_000))).toBe(false);
    expect(performance.now() - begin).toBeLessThan(5_000);
  });

  it.each(['(a', 'a)', '*a', '[a', 'a{3,2}', '(?=a)', '(a)\\1', 'a\\', '[z-a]'])('refuse %s', (source) => {
    expect(() => compilePattern(source)).toThrow(/./);
  });

  it('refuse what would be too large', () => {
    expect(() => compilePattern('((a{100}){100}){100}')).toThrow(`${MAX_STATES} states`);
  });
});

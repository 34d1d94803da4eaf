import { expect, it } from 'vitest';
import { parseFirstDocument } from './yaml.ts';

it.each([
  ['a document', 'a: 1\n', { a: 1 }],
  ['JSON', '{"a": 1}', { a: 1 }],
  ['the first of two documents', 'a: 1\n---\na: 2\n', { a: 1 }],
  ['the first document before a broken one', 'a: 1\n---\na: [', { a: 1 }],
  ['the last of a name that is given twice', 'a: 1\na: 2\n', { a: 2 }],
  ['nothing', '', null],
])('reads %s', (_what, text, content) => {
  expect(parseFirstDocument(text)).toEqual(content);
});

it.each([
  ['a list that is never closed', 'a: 1\nb: [s3cr3t\n'],
  ['a text that is never closed', 'a: 1\nb: "s3cr3t\n'],
  ['indentation by a tab', 'a: 1\n\tb: s3cr3t\n'],
  ['something after its end', '{"a": 1} s3cr3t'],
  ['an alias of nothing', 'a: 1\nb: *s3cr3t\n'],
  ['aliases without end', `a: &a [1]\nb: &b [${'*a,'.repeat(50)}]\nc: [${'*b,'.repeat(50)}]\n`],
])('takes no part of what is broken, and quotes none of it: %s', (_what, text) => {
  expect(() => parseFirstDocument(text)).toThrow(/^it is no YAML$/u);
});

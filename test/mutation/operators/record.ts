import type { AnyNode } from 'acorn';
import type { Proposal } from '../mutant.ts';
import { calleeName, isWithin, ownerOf, type Source, textOf } from '../syntax.ts';

const RECORD = /^(record[A-Z]\w*|append)$/;
/** The ledger's own statements. */
const STATEMENT = /^(#run|#transition)$/;
const JOURNAL = /^(begin|end)$/;

/** Each record is not made; an intent is recorded after its effect. */
export function records(source: Source): Proposal[] {
  return source.places.flatMap((place): Proposal[] => {
    const { node, ancestors } = place;
    const name = calleeName(node) ?? '';
    if (node.type !== 'CallExpression' || !isRecord(source, node, name)) return [];
    const { start, end } = node;
    const owner = ownerOf(place);
    const parent = ancestors.find((each) => each.type !== 'AwaitExpression');
    const text = parent?.type === 'VariableDeclarator' ? '0' : 'undefined';
    const removed: Proposal = {
      operator: 'record',
      how: 'not made',
      owner,
      changes: [{ start, end, text }],
    };
    return [removed, ...lateIntent(source, name, ancestors, owner)];
  });
}

function isRecord(source: Source, node: AnyNode & { type: 'CallExpression' }, name: string): boolean {
  if (RECORD.test(name)) return true;
  if (STATEMENT.test(name)) return source.file.endsWith('/ledger.ts');
  return JOURNAL.test(name) && /\bjournal\b/.test(textOf(source, node.callee));
}

/** The intent goes behind the statement that performs. */
function lateIntent(source: Source, name: string, ancestors: readonly AnyNode[], owner: string): Proposal[] {
  if (name !== 'recordIntent') return [];
  const declaration = ancestors.find((each) => each.type === 'VariableDeclaration');
  const block = ancestors.find((each) => each.type === 'BlockStatement');
  const performing = source.places.find(
    ({ node, ancestors: above }) =>
      node.type === 'VariableDeclaration' &&
      block !== undefined &&
      above.includes(block) &&
      isWithin(node, (each) => calleeName(each) === 'perform'),
  );
  if (declaration === undefined || performing === undefined) return [];
  const { start, end } = declaration;
  const at = performing.node.end;
  return [
    {
      operator: 'record',
      how: 'made after the effect',
      owner,
      changes: [
        { start, end, text: '' },
        { start: at, end: at, text: ` ${textOf(source, declaration)}` },
      ],
    },
  ];
}

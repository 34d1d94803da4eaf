import type { AnyNode, BinaryExpression } from 'acorn';
import type { Proposal } from '../mutant.ts';
import { ownerOf, type Source, textOf } from '../syntax.ts';
import { isWording } from '../wording.ts';

const OTHER: Readonly<Record<string, string>> = {
  '>': '>=',
  '>=': '>',
  '<': '<=',
  '<=': '<',
  '===': '!==',
  '!==': '===',
};

/** Each comparison takes its bound the other way, or is turned round. */
export function comparisons(source: Source): Proposal[] {
  return source.places.flatMap((place): Proposal[] => {
    const { node, ancestors } = place;
    if (node.type !== 'BinaryExpression' || isWording(place)) return [];
    const other = OTHER[node.operator];
    // The order of a list is told to nobody by whether equals are equal.
    if (other === undefined || isSortKey(ancestors) || isExtremum(source, node, ancestors)) return [];
    const start = source.text.indexOf(node.operator, node.left.end);
    const change = { start, end: start + node.operator.length, text: other };
    const how = `${node.operator} becomes ${other} in ${source.text.slice(node.start, node.end)}`;
    return [{ operator: 'comparison', how, owner: ownerOf(place), changes: [change] }];
  });
}

/** `a > b ? a : b`: of equals either will do. */
function isExtremum(source: Source, node: BinaryExpression, ancestors: readonly AnyNode[]): boolean {
  const [parent] = ancestors;
  if (parent?.type !== 'ConditionalExpression' || !/^[<>]=?$/.test(node.operator)) return false;
  const compared = [node.left, node.right].map((each) => textOf(source, each));
  const chosen = [parent.consequent, parent.alternate].map((each) => textOf(source, each));
  return chosen.every((each) => compared.includes(each));
}

/** `a < b ? -1 : 1` in a comparator of distinct keys. */
function isSortKey(ancestors: readonly { type: string }[]): boolean {
  const [parent] = ancestors;
  if (parent?.type !== 'ConditionalExpression') return false;
  const { alternate } = parent as unknown as { alternate: { type: string; value?: unknown } };
  return alternate.type === 'Literal' && alternate.value === 1;
}

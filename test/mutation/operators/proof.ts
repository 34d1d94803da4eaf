import type { AnyNode } from 'acorn';
import type { Proposal } from '../mutant.ts';
import { calleeName, ownerOf, type Source, textOf } from '../syntax.ts';
import { isWording } from '../wording.ts';

/** What looks at the world, or at itself, and throws where it is not as it must be. */
const PROOF =
  /^#?(prove\w*|require[A-Z]\w*|assert\w*|verify\w*|take|takeIfThere|wait[A-Z]\w*|until[A-Z]\w*)$/;
/** What hands on what it was given, or throws. */
const FILTER: ReadonlySet<string> = new Set([
  'required',
  'checked',
  'cleanPath',
  '#requiredEpoch',
  '#requiredNode',
]);

/** Each proof is left out. */
export function proofs(source: Source): Proposal[] {
  return source.places.flatMap((place): Proposal[] => {
    const { node, ancestors } = place;
    const name = calleeName(node) ?? '';
    if (node.type !== 'CallExpression' || isWording(place)) return [];
    const { start, end } = node;
    const owner = ownerOf(place);
    if (FILTER.has(name)) {
      const [given] = node.arguments;
      if (given === undefined) return [];
      const change = { start, end, text: `(${textOf(source, given)})` };
      return [{ operator: 'proof', how: `${name} left out`, owner, changes: [change] }];
    }
    // A proof whose answer is used is judged by the guard that uses it.
    if (!PROOF.test(name) || !isForItself(ancestors)) return [];
    const change = { start, end, text: 'undefined' };
    return [{ operator: 'proof', how: 'left out', owner, changes: [change] }];
  });
}

function isForItself(ancestors: readonly AnyNode[]): boolean {
  for (const each of ancestors) {
    switch (each.type) {
      case 'AwaitExpression':
      case 'ChainExpression':
        continue;
      case 'ExpressionStatement':
      case 'ReturnStatement':
        return true;
      default:
        return false;
    }
  }
  return false;
}

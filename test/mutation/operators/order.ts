import type { AnyNode } from 'acorn';
import type { Proposal } from '../mutant.ts';
import { calleeName, isWithin, lastName, ownerOf, runsWithin, type Source, textOf } from '../syntax.ts';
import { isTelling } from '../wording.ts';

/** What acts on the world without being awaited. */
const ACTS =
  /^(exec|#run|#transition|rename\w*|closeSync|fsyncSync|writeSync|rmSync|record[A-Z]\w*|append|begin|publish|start|syncDirectory|fill)$/;

/** Neighbours that both act change places; in the cores, neighbouring guards too. */
export function orders(source: Source): Proposal[] {
  return source.places.flatMap((place): Proposal[] => {
    const body = bodyOf(place.node).filter((each) => !isTransparent(each));
    const owner = ownerOf(place);
    return body.slice(1).flatMap((second, at): Proposal[] => {
      const first = body[at] as AnyNode;
      const both = (holds: (each: AnyNode) => boolean): boolean => holds(first) && holds(second);
      const isGuards = source.file.includes('/core/') && both(isGuard);
      if (!isGuards && !both(isActing)) return [];
      const declared = namesDeclaredBy(first);
      if (isWithin(second, (each) => each.type === 'Identifier' && declared.has(each.name))) return [];
      return [
        {
          operator: 'order',
          how: isGuards ? 'guards change places' : 'change places',
          owner,
          changes: [
            { start: first.start, end: first.end, text: textOf(source, second) },
            { start: second.start, end: second.end, text: textOf(source, first) },
          ],
        },
      ];
    });
  });
}

function bodyOf(node: AnyNode): AnyNode[] {
  if (node.type === 'BlockStatement' || node.type === 'StaticBlock') return node.body;
  if (node.type === 'SwitchCase') return node.consequent;
  return [];
}

/** Telling, and looking whether one is still wanted, have no place of their own. */
function isTransparent(node: AnyNode): boolean {
  if (isTelling(node)) return true;
  return node.type === 'ExpressionStatement' && calleeName(node.expression) === 'throwIfAborted';
}

function isActing(node: AnyNode): boolean {
  if (node.type === 'ReturnStatement' || node.type === 'ThrowStatement') return false;
  // A guard in a branch of its own leaves the function: nothing can go before it but what it guards.
  if (node.type === 'IfStatement' && isGuard(node)) return false;
  return runsWithin(
    node,
    (each) =>
      each.type === 'AwaitExpression' ||
      ACTS.test(calleeName(each)?.replace(/^#(?!run|transition)/, '') ?? ''),
  );
}

function isGuard(node: AnyNode): boolean {
  if (node.type !== 'IfStatement' || node.alternate) return false;
  const last = node.consequent.type === 'BlockStatement' ? node.consequent.body.at(-1) : node.consequent;
  return last?.type === 'ReturnStatement' || last?.type === 'ThrowStatement';
}

function namesDeclaredBy(node: AnyNode): Set<string> {
  const names = new Set<string>();
  const collect = (pattern: AnyNode): void => {
    if (pattern.type === 'Identifier') names.add(pattern.name);
    else if (pattern.type === 'ObjectPattern') {
      for (const each of pattern.properties) collect(each.type === 'Property' ? each.value : each.argument);
    } else if (pattern.type === 'ArrayPattern') for (const each of pattern.elements) if (each) collect(each);
    if (pattern.type === 'AssignmentPattern') collect(pattern.left);
  };
  if (node.type === 'VariableDeclaration') for (const each of node.declarations) collect(each.id);
  if (node.type === 'ExpressionStatement' && node.expression.type === 'AssignmentExpression') {
    const name = lastName(node.expression.left);
    if (name !== undefined) names.add(name);
  }
  return names;
}

import type { AnyNode } from 'acorn';
import type { Change, Proposal } from '../mutant.ts';
import { calleeName, lastName, ownerOf, type Place, type Source, textOf } from '../syntax.ts';
import { isWording } from '../wording.ts';

/** Flags of system calls that refuse: a link that was planted, a file that is there already. */
const REFUSING_FLAGS: ReadonlySet<string> = new Set(['O_NOFOLLOW', 'O_EXCL', 'COPYFILE_EXCL']);

/**
 * Each condition is taken never and always; each of its parts is left out; each `!` is dropped;
 * each look at an abort signal is skipped.
 */
export function guards(source: Source): Proposal[] {
  return source.places.flatMap((place): Proposal[] => {
    if (isWording(place)) return [];
    const owner = ownerOf(place);
    const proposed = (how: string, change: Change): Proposal => ({
      operator: 'guard',
      how,
      owner,
      changes: [change],
    });
    const { node } = place;
    switch (node.type) {
      case 'IfStatement': {
        if (isNarrowing(source, node)) return [];
        const { start, end } = node.test;
        // The text of the condition is part of the name: many guards look alike when they are gone.
        return ['false', 'true'].map((text) =>
          proposed(`${text === 'true' ? 'always' : 'never'} taken`, { start, end, text }),
        );
      }
      case 'LogicalExpression': {
        if (node.operator === '??' || (!isCondition(node.left) && !isCondition(node.right))) return [];
        const { start, end } = node;
        return [node.left, node.right].map((kept) =>
          proposed(`a part of ${node.operator} left out`, { start, end, text: textOf(source, kept) }),
        );
      }
      case 'UnaryExpression': {
        if (node.operator !== '!') return [];
        const { start, end } = node;
        return [proposed('! dropped', { start, end, text: textOf(source, node.argument) })];
      }
      case 'CallExpression': {
        if (calleeName(node) !== 'throwIfAborted') return [];
        const { start, end } = node;
        return [proposed('abort not looked at', { start, end, text: 'undefined' })];
      }
      case 'BinaryExpression': {
        if (node.operator !== '|') return [];
        return [node.left as AnyNode, node.right].flatMap((part, at, parts) => {
          const flag = lastName(part);
          const other = parts[1 - at];
          if (flag === undefined || other === undefined || !REFUSING_FLAGS.has(flag)) return [];
          const { start, end } = node;
          return [proposed(`without ${flag}`, { start, end, text: textOf(source, other) })];
        });
      }
      default:
        return [];
    }
  });
}

const PREDICATE =
  /^(is|has|was|may|can|says|knows|waits|tryLock|startsWith|endsWith|includes|some|every|test)/;

/** Whether an expression is true or false by its form: a default such as `a || ''` guards nothing. */
function isCondition(node: AnyNode): boolean {
  switch (node.type) {
    case 'BinaryExpression':
      return /^([<>]=?|[!=]==|in|instanceof)$/.test(node.operator);
    case 'UnaryExpression':
      return node.operator === '!';
    case 'LogicalExpression':
      return node.operator !== '??' && (isCondition(node.left) || isCondition(node.right));
    case 'CallExpression':
      return PREDICATE.test((calleeName(node) ?? '').replace('#', ''));
    case 'ChainExpression':
      return isCondition(node.expression);
    default:
      return false;
  }
}

/**
 * `if (x === undefined) throw new Error(…)`: says to the compiler what cannot be otherwise. A
 * guard against the world throws a LockstepError.
 */
function isNarrowing(source: Source, node: AnyNode & { type: 'IfStatement' }): boolean {
  const [thrown] = node.consequent.type === 'BlockStatement' ? node.consequent.body : [node.consequent];
  const { test } = node;
  return (
    thrown?.type === 'ThrowStatement' &&
    calleeName(thrown.argument) === 'Error' &&
    test.type === 'BinaryExpression' &&
    test.operator === '===' &&
    textOf(source, test.right) === 'undefined'
  );
}

/** Names that are flags of a library's call, not of ours. */
const OPTIONS: ReadonlySet<string> = new Set(['recursive', 'force', 'once', 'ref', 'bigint', 'readOnly']);

/** Each flag that a guard rests on is set the other way. */
export function flags(source: Source): Proposal[] {
  return source.places.flatMap((place): Proposal[] => {
    const { node } = place;
    if (node.type !== 'Literal' || typeof node.value !== 'boolean' || isWording(place)) return [];
    if (!isSet(place)) return [];
    const { start, end } = node;
    const parent = place.ancestors[0] as AnyNode;
    const how = textOf(source, parent);
    const change = { start, end, text: String(!node.value) };
    return [{ operator: 'flag', how, owner: ownerOf(place), changes: [change] }];
  });
}

function isSet({ node, ancestors }: Place): boolean {
  const [parent] = ancestors;
  if (parent?.type === 'AssignmentExpression') return parent.right === node;
  if (parent?.type !== 'Property') return false;
  return !OPTIONS.has(lastName(parent.key) ?? '');
}

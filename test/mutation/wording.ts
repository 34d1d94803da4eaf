import type { AnyNode } from 'acorn';
import { calleeName, lastName, type Place } from './syntax.ts';

/**
 * What is said to a person and decides nothing: not mutated. By the index of the first argument
 * that is words.
 */
const SPEAKING: ReadonlyMap<string, number> = new Map([
  ['progress', 0],
  ['notice', 0],
  ['refused', 1],
  ['refusal', 1],
  ['failureOf', 1],
  ['notYet', 0],
  ['failed', 1],
  ['Error', 0],
  ['rethrow', 0],
  ['fatal', 0],
  ['error', 0],
  ['warn', 0],
  ['info', 0],
  ['debug', 0],
  ['describeThrown', 0],
  ['logEvent', 0],
]);

/** Functions that make words out of values, and nothing else. */
const WORDING_FUNCTIONS: ReadonlySet<string> = new Set([
  'epochText',
  'inodeText',
  'describeState',
  'described',
  'describe',
  'said',
  'bytesText',
  'describeThrown',
  'logEvent',
  'phaseName',
  'short',
  'formatAddress',
  'wordsOf',
  'notAsRecorded',
  'undoText',
]);

const WORDING_NAMES: ReadonlySet<string> = new Set([
  'message',
  'words',
  'ids',
  'hashes',
  'names',
  'describe',
]);

export function isWording({ node, ancestors }: Place): boolean {
  let below = node;
  for (const each of ancestors) {
    if (speaks(each, below)) return true;
    below = each;
  }
  return false;
}

function speaks(node: AnyNode, below: AnyNode): boolean {
  switch (node.type) {
    case 'TemplateLiteral':
      return true;
    case 'CallExpression':
    case 'NewExpression': {
      const first = SPEAKING.get(calleeName(node) ?? '');
      return first !== undefined && node.arguments.indexOf(below as never) >= first;
    }
    case 'Property':
      return node.value === below && WORDING_NAMES.has(lastName(node.key) ?? '');
    case 'VariableDeclarator':
      return node.id.type === 'Identifier' && WORDING_NAMES.has(node.id.name);
    case 'FunctionDeclaration':
      return node.id !== null && WORDING_FUNCTIONS.has(node.id.name);
    case 'MethodDefinition':
      return WORDING_FUNCTIONS.has(lastName(node.key) ?? '');
    default:
      return false;
  }
}

/** A statement that only tells: a log line or a word of progress. */
export function isTelling(node: AnyNode): boolean {
  if (node.type !== 'ExpressionStatement') return false;
  const name = calleeName(node.expression);
  return name !== undefined && SPEAKING.get(name) === 0;
}

import { stripTypeScriptTypes } from 'node:module';
import { type AnyNode, type Node, parse } from 'acorn';

/** A node with the way up from it: what an operator must know of where a thing stands. */
export interface Place {
  readonly node: AnyNode;
  /** Nearest first. */
  readonly ancestors: readonly AnyNode[];
}

/** A source as the operators see it. Offsets are those of the TypeScript text. */
export interface Source {
  /** Relative to the repository, such as "agent/core/fence.ts". */
  readonly file: string;
  readonly text: string;
  readonly places: readonly Place[];
}

/** Node blanks types out rather than cutting them out, so every offset of the tree is one of the text. */
export function readSource(file: string, text: string): Source {
  const stripped = stripTypeScriptTypes(text, { mode: 'strip' });
  if (stripped.length !== text.length) throw new Error(`${file}: stripping its types moved its text`);
  const tree = parse(stripped, { ecmaVersion: 'latest', sourceType: 'module' }) as AnyNode;
  const places: Place[] = [];
  collect(tree, [], places);
  return { file, text, places };
}

function collect(node: AnyNode, ancestors: readonly AnyNode[], places: Place[]): void {
  places.push({ node, ancestors });
  const below = [node, ...ancestors];
  for (const child of childrenOf(node)) collect(child, below, places);
}

export function childrenOf(node: AnyNode): AnyNode[] {
  return Object.values(node).flatMap((value: unknown) =>
    Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : [],
  );
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

export function textOf(source: Source, node: Node): string {
  return source.text.slice(node.start, node.end);
}

/** The last name of what is called: "syncPath" of `syncPath(a)`, "#run" of `this.#run(a)`. */
export function calleeName(node: AnyNode): string | undefined {
  if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return undefined;
  return lastName(node.callee);
}

export function lastName(node: AnyNode): string | undefined {
  if (node.type === 'Identifier') return node.name;
  if (node.type === 'PrivateIdentifier') return `#${node.name}`;
  if (node.type === 'ChainExpression') return lastName(node.expression);
  if (node.type === 'MemberExpression' && !node.computed) return lastName(node.property);
  return undefined;
}

export function isFunction(node: AnyNode): boolean {
  return (
    node.type === 'FunctionDeclaration' ||
    node.type === 'FunctionExpression' ||
    node.type === 'ArrowFunctionExpression'
  );
}

/** Whether `holds` is true of the node or of something in it that runs when it runs. */
export function runsWithin(node: AnyNode, holds: (each: AnyNode) => boolean): boolean {
  if (holds(node)) return true;
  return childrenOf(node).some((child) => !isFunction(child) && runsWithin(child, holds));
}

export function isWithin(node: AnyNode, holds: (each: AnyNode) => boolean): boolean {
  return holds(node) || childrenOf(node).some((child) => isWithin(child, holds));
}

/** The named function or the module-level constant that a place lies in. */
export function ownerOf({ node, ancestors }: Place): string {
  for (const each of [node, ...ancestors]) {
    if (each.type === 'FunctionDeclaration') return each.id?.name ?? '';
    if (each.type === 'MethodDefinition' || (each.type === 'Property' && isFunction(each.value))) {
      return lastName(each.key) ?? '';
    }
    if (each.type === 'VariableDeclarator' && each.id.type === 'Identifier' && /^[A-Z]/.test(each.id.name)) {
      return each.id.name;
    }
  }
  return '';
}

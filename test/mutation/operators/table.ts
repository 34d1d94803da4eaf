import type { AnyNode } from 'acorn';
import type { Change, Proposal } from '../mutant.ts';
import { calleeName, type Source, textOf } from '../syntax.ts';

/** Tables of words and of figures: they decide nothing that is guarded. */
const WORDS =
  /^(STEP_NAMES|STEP_WORDS|PHASE_NAMES|WORDS|STATES|TABLES|SCHEMA|PROPERTIES|STEP_TIMEOUT_MS|UNIT_BYTES|KIND_WORDS)$/;
/** Where the order of the elements is the order of what is done. */
const IN_ORDER: ReadonlySet<string> = new Set([
  'coordinator/core/phases.ts FORWARD_STEPS',
  'coordinator/core/phases.ts UNDO_STEPS',
  'agent/core/convergence.ts RETURN_ORDER',
]);

/** Each element of a table of the module is left out; where its order counts, neighbours change places. */
export function tables(source: Source): Proposal[] {
  return source.places.flatMap(({ node, ancestors }): Proposal[] => {
    if (node.type !== 'VariableDeclarator' || node.id.type !== 'Identifier' || !node.init) return [];
    const owner = node.id.name;
    const isModules = ancestors.every((each) => !/Function|Block|Class/.test(each.type));
    if (!isModules || !/^[A-Z][A-Z0-9_]+$/.test(owner) || WORDS.test(owner)) return [];
    const proposed = (how: string, changes: readonly Change[]): Proposal => ({
      operator: 'table',
      how,
      owner,
      changes,
    });
    const elements = elementsOf(node.init);
    const emptied =
      node.init.type === 'ObjectExpression'
        ? node.init.properties.flatMap((each) =>
            each.type !== 'Property' || textOf(source, each.value) === 'undefined'
              ? []
              : [
                  proposed(`${textOf(source, each.key)} has none`, [
                    { start: each.value.start, end: each.value.end, text: 'undefined' },
                  ]),
                ],
          )
        : [];
    const dropped = elements.map((each) =>
      proposed('an element left out', [{ start: each.start, end: endWithComma(source, each), text: '' }]),
    );
    const swapped = IN_ORDER.has(`${source.file} ${owner}`)
      ? elements.slice(1).map((second, at) => {
          const first = elements[at] as AnyNode;
          return proposed('elements change places', [
            { start: first.start, end: first.end, text: textOf(source, second) },
            { start: second.start, end: second.end, text: textOf(source, first) },
          ]);
        })
      : [];
    return [...emptied, ...dropped, ...swapped];
  });
}

function elementsOf(node: AnyNode): AnyNode[] {
  if (node.type === 'ArrayExpression') return node.elements.filter((each) => each !== null);
  if (node.type === 'NewExpression' && calleeName(node) === 'Set') {
    const [only] = node.arguments;
    return only === undefined ? [] : elementsOf(only);
  }
  return [];
}

function endWithComma(source: Source, node: AnyNode): number {
  const rest = /^\s*,/.exec(source.text.slice(node.end));
  return node.end + (rest?.[0].length ?? 0);
}

/** What the database itself holds: each constraint and trigger of the schema is left out. */
export function constraints(source: Source): Proposal[] {
  if (!source.file.endsWith('/schema.ts')) return [];
  const found = source.text.matchAll(
    /(?<what> CHECK \([^()]*(\([^()]*\))?[^()]*\)| UNIQUE| REFERENCES \w+ \(\w+\)|`CREATE TRIGGER [^`]*`)/g,
  );
  return [...found].map((match) => {
    const text = match[0].startsWith('`') ? "''" : '';
    const change = { start: match.index, end: match.index + match[0].length, text };
    return { operator: 'guard', how: 'not held by the database', owner: 'SCHEMA', changes: [change] };
  });
}

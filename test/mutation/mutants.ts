import { type Mutant, nameMutants } from './mutant.ts';
import { comparisons } from './operators/comparison.ts';
import { flags, guards } from './operators/guard.ts';
import { orders } from './operators/order.ts';
import { proofs } from './operators/proof.ts';
import { records } from './operators/record.ts';
import { syncs } from './operators/sync.ts';
import { constraints, tables } from './operators/table.ts';
import { readSource } from './syntax.ts';

const OPERATORS = [syncs, proofs, records, guards, flags, comparisons, orders, tables, constraints];

/** Every mutant of a source, in the order of its text. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const source = readSource(file, text);
  const proposals = OPERATORS.flatMap((operator) => operator(source));
  return nameMutants(source, proposals).toSorted((a, b) => a.line - b.line);
}

import { type Damage, type Fault, MAX_FAULTS } from '@lockstep/shared/evidence/damage.ts';
import { utf8 } from '../../../analysis/resource-name.ts';
import { clean, clip, heading, type Layout, tone, wrap } from '../layout.ts';
import { table } from '../table.ts';
import { bytes, count, plural } from '../units.ts';

/** A row that can still be read, and whether the tree leads to it. */
export interface ReadableRow {
  readonly key: string;
  readonly revision: number;
  readonly deleted: boolean;
  readonly page: number;
  readonly inTree: boolean;
}

const REVISION_WIDTH = 10;
const PAGE_WIDTH = 8;
const WHERE_WIDTH = 6;

/** What is wrong with each page, and what can be read in spite of it. */
export function damagePage(layout: Layout, file: string, damage: Damage): string[] {
  const { faults, faultCount, missingBytes, rowsInTree, rowsBeside } = damage;
  const isWhole = faultCount === 0 && missingBytes === 0;
  const read = `${plural(rowsInTree, 'row')} can be read where the tree leads, ${count(rowsBeside)} beside it.`;
  if (isWhole) return wrap(layout, `${file}: no page is at fault. ${read}`);
  return [
    heading(layout, `${plural(faultCount, 'fault')} in ${clean(layout, file)}`),
    ...table<Fault>(
      layout,
      [
        { title: 'PAGE', value: ({ page }) => String(page), align: 'right' },
        { title: 'WHAT', value: ({ what }) => what },
      ],
      faults,
      2,
    ),
    ...(faultCount > faults.length
      ? [`  and ${plural(faultCount - faults.length, 'more')}; ${count(MAX_FAULTS)} are named`]
      : []),
    ...(missingBytes > 0 ? wrap(layout, `The file lacks ${bytes(missingBytes)} by its own header.`) : []),
    ...wrap(layout, read),
    ...wrap(
      layout,
      'Beside the tree, what was superseded and what was current cannot be told apart. --rows lists every row.',
    ),
  ];
}

export function rowsHead(layout: Layout): string[] {
  return [tone(layout, 'dim', line(layout, 'REVISION', 'PAGE', 'WHERE', 'KEY'))];
}

export function rowLine(layout: Layout, { key, revision, deleted, page, inTree }: ReadableRow): string[] {
  const what = deleted ? `${utf8(key)} (deleted)` : utf8(key);
  return [line(layout, count(revision), String(page), inTree ? 'tree' : 'beside', what)];
}

function line(layout: Layout, revision: string, page: string, where: string, key: string): string {
  const before = `${revision.padStart(REVISION_WIDTH)}  ${page.padStart(PAGE_WIDTH)}  ${where.padEnd(WHERE_WIDTH)}  `;
  return before + clip(layout, clean(layout, key), layout.width - before.length);
}

import { clean, clip, type Layout, type Tone, tone } from './layout.ts';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** Only with `-o wide`. */
  readonly wide?: boolean;
  /** Dropped first where the page is narrow: the larger, the sooner. 0 (the default) always stays. */
  readonly dropAt?: number;
  readonly tone?: (row: Row) => Tone | undefined;
}

const GAP = 2;
/** No column is cut narrower than this while there is another one to cut. */
const MIN_COLUMN = 6;

/**
 * Rows under titles, as wide as they need and no wider than the page: first the columns that may
 * go are dropped, then the widest are cut.
 */
export function table<Row>(
  layout: Layout,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  indent = 0,
): string[] {
  let shown = columns.filter((column) => layout.wide || column.wide !== true);
  const room = layout.width - indent;
  while (total(naturalWidths(layout, shown, rows)) > room) {
    const droppable = shown.filter((column) => (column.dropAt ?? 0) > 0);
    if (droppable.length === 0) break;
    const first = droppable.reduce((a, b) => ((b.dropAt ?? 0) > (a.dropAt ?? 0) ? b : a));
    shown = shown.filter((column) => column !== first);
  }
  const widths = cut(naturalWidths(layout, shown, rows), room);
  const line = (cells: readonly string[], paint: (cell: string, column: number) => string): string =>
    (
      ' '.repeat(indent) +
      cells
        .map((cell, index) => {
          const width = widths[index] ?? 0;
          const text = clip(layout, cell, width);
          const padded = shown[index]?.align === 'right' ? text.padStart(width) : text.padEnd(width);
          return paint(padded, index);
        })
        .join(' '.repeat(GAP))
    ).replace(/ +$/, '');
  return [
    line(
      shown.map(({ title }) => title),
      (cell) => tone(layout, 'dim', cell),
    ),
    ...rows.map((row) =>
      line(
        shown.map(({ value }) => clean(layout, value(row))),
        (cell, index) => {
          const name = shown[index]?.tone?.(row);
          return name === undefined ? cell : tone(layout, name, cell);
        },
      ),
    ),
  ];
}

function naturalWidths<Row>(layout: Layout, columns: readonly Column<Row>[], rows: readonly Row[]): number[] {
  return columns.map(({ title, value }) =>
    Math.max(Array.from(title).length, ...rows.map((row) => Array.from(clean(layout, value(row))).length)),
  );
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP * Math.max(0, widths.length - 1);
}

function cut(natural: readonly number[], room: number): number[] {
  const widths = [...natural];
  while (total(widths) > room) {
    const widest = widths.indexOf(Math.max(...widths));
    const excess = total(widths) - room;
    const second = Math.max(MIN_COLUMN, ...widths.filter((_, index) => index !== widest));
    const width = widths[widest] ?? 0;
    const next = Math.max(width - excess, Math.min(second, width - 1), 1);
    if (next >= width) break;
    widths[widest] = next;
  }
  return widths;
}

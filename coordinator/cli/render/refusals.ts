import { type Failure, type Refusal, RefusalClass } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { clean, heading, type Layout, type Tone, tone, wrap } from './layout.ts';
import { plural } from './units.ts';

/** Each with its code, what is true, what to do, and what it takes to go on in spite of it. */
export function refusals(layout: Layout, title: string, list: readonly Refusal[], name: Tone): string[] {
  if (list.length === 0) return [];
  return [
    '',
    heading(layout, `${title} (${list.length})`),
    ...list.flatMap((refusal) => [
      `  ${tone(layout, name, clean(layout, refusal.code))}${refusal.node === '' ? '' : `  ${clean(layout, refusal.node)}`}`,
      ...wrap(layout, refusal.message, 4),
      ...wrap(layout, refusal.cure, 7).map((line, index) =>
        index === 0 ? `    -> ${line.trimStart()}` : line,
      ),
      ...override(layout, refusal),
    ]),
  ];
}

function override(layout: Layout, { class: refusalClass, code }: Refusal): string[] {
  switch (refusalClass) {
    case RefusalClass.REFUSAL_CLASS_WITH_REASON:
      return wrap(layout, `To go on in spite of it: --override '${code}=REASON'`, 4).map((line) =>
        tone(layout, 'dim', line),
      );
    case RefusalClass.REFUSAL_CLASS_SECOND_PERSON:
      return wrap(layout, 'To go on in spite of it takes a second person.', 4).map((line) =>
        tone(layout, 'dim', line),
      );
    default:
      return [];
  }
}

/** What went wrong, where, what to do, and why, outermost first. */
export function failure(layout: Layout, failed: Failure, causes = true): string[] {
  const where = failed.node === '' ? '' : ` on ${failed.node}`;
  return [
    ...wrap(layout, `${failed.code}${where}`).map((line) => tone(layout, 'red', line)),
    ...wrap(layout, failed.message, 2),
    ...(causes ? failed.causes.flatMap((cause) => wrap(layout, `because ${cause}`, 4)) : []),
    ...(failed.cure === ''
      ? []
      : wrap(layout, failed.cure, 5).map((line, i) => (i === 0 ? `  -> ${line.trimStart()}` : line))),
  ];
}

/** At most `limit` of a list, and how many more there are. */
export function someOf(
  layout: Layout,
  title: string,
  items: readonly string[],
  limit: number,
  name?: Tone,
): string[] {
  if (items.length === 0) return [];
  const shown = layout.wide ? items : items.slice(0, limit);
  const rest = items.length - shown.length;
  return [
    `  ${name === undefined ? title : tone(layout, name, title)} (${items.length})`,
    ...shown.flatMap((item) => wrap(layout, item, 6, 4)),
    ...(rest === 0
      ? []
      : [tone(layout, 'dim', `    and ${plural(rest, 'more', 'more')}; -o wide shows all`)]),
  ];
}

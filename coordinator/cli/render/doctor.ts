import { clean, type Layout, symbols, type Tone, tone, wrap } from './layout.ts';
import { plural } from './units.ts';

export interface Check {
  readonly name: string;
  readonly verdict: 'ok' | 'warn' | 'fail';
  readonly code: string;
  readonly message: string;
  readonly cure: string;
}

const TONES: Record<Check['verdict'], Tone> = { ok: 'green', warn: 'yellow', fail: 'red' };

export function doctorPage(layout: Layout, checks: readonly Check[]): string[] {
  const mark = symbols(layout);
  const marks = { ok: mark.done, warn: '!', fail: mark.failed };
  const nameWidth = Math.min(24, Math.max(...checks.map(({ name }) => clean(layout, name).length)));
  const indent = 2 + nameWidth + 2;
  const failed = checks.filter(({ verdict }) => verdict === 'fail').length;
  const warned = checks.filter(({ verdict }) => verdict === 'warn').length;
  const sum =
    failed + warned === 0
      ? 'Everything is in order.'
      : `${plural(failed, 'thing')} to mend, ${plural(warned, 'warning')}.`;
  return [
    ...checks.flatMap(({ name, verdict, message, cure }) => {
      const label = clean(layout, name).slice(0, nameWidth).padEnd(nameWidth);
      const [first = '', ...rest] = wrap(layout, message, indent);
      return [
        `${tone(layout, TONES[verdict], marks[verdict])} ${label}  ${first.trimStart()}`,
        ...rest,
        ...(cure === '' ? [] : wrap(layout, `-> ${cure}`, indent + 3, indent)),
      ];
    }),
    '',
    tone(layout, failed > 0 ? 'red' : warned > 0 ? 'yellow' : 'green', sum),
  ];
}

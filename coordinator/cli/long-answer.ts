import { stringify } from 'yaml';
import { type Answer, jsonOf, type OutputFormat } from './answer.ts';
import { oneLine, plain, printable } from './plain.ts';
import type { Layout } from './render/layout.ts';

/** Written at once: a write for each of a million lines takes longer than the reading. */
const PIECE_CHARACTERS = 64 * 1024;

/** An answer of which most is one long list, written as it is found. */
export interface LongAnswer<Item> {
  /** The other fields of the JSON answer. */
  readonly head: Answer['data'];
  /** The list's name in it. */
  readonly list: string;
  readonly exit?: Answer['exit'];
  each(visit: (item: Item) => void): void;
  json(item: Item): unknown;
  name(item: Item): string;
  before(layout: Layout): readonly string[];
  lines(layout: Layout, item: Item): readonly string[];
  after(layout: Layout): readonly string[];
}

export function longAnswer<Item>(long: LongAnswer<Item>): Answer {
  const answer: Answer = {
    data: long.head,
    render: () => [],
    ...(long.exit === undefined ? {} : { exit: long.exit }),
  };
  return {
    ...answer,
    write: (out, output, layout) => {
      const pieces = new Pieces(out);
      writeTo(pieces, answer, long, output, layout);
      pieces.flush();
    },
  };
}

function writeTo<Item>(
  pieces: Pieces,
  answer: Answer,
  long: LongAnswer<Item>,
  output: OutputFormat,
  layout: Layout,
): void {
  switch (output) {
    case 'json': {
      const head = JSON.stringify(jsonOf(answer), null, 2).replace(/\n\}$/u, '');
      pieces.add(`${printable(head)},\n  ${JSON.stringify(long.list)}: [`);
      let first = true;
      long.each((item) => {
        pieces.add(`${first ? '' : ','}\n    ${printable(JSON.stringify(plain(long.json(item))))}`);
        first = false;
      });
      return pieces.add(first ? ']\n}\n' : '\n  ]\n}\n');
    }
    case 'yaml': {
      pieces.add(printable(stringify(jsonOf(answer), { lineWidth: 0 })));
      let first = true;
      long.each((item) => {
        if (first) pieces.add(`${long.list}:\n`);
        pieces.add(printable(stringify([plain(long.json(item))], { lineWidth: 0 })));
        first = false;
      });
      return first ? pieces.add(`${long.list}: []\n`) : undefined;
    }
    case 'name':
      return long.each((item) => pieces.add(`${oneLine(long.name(item))}\n`));
    default:
      pieces.lines(long.before(layout));
      long.each((item) => pieces.lines(long.lines(layout, item)));
      pieces.lines(long.after(layout));
  }
}

class Pieces {
  readonly #out: (text: string) => void;
  #text = '';

  constructor(out: (text: string) => void) {
    this.#out = out;
  }

  add(text: string): void {
    this.#text += text;
    if (this.#text.length >= PIECE_CHARACTERS) this.flush();
  }

  lines(lines: readonly string[]): void {
    for (const line of lines) this.add(`${line}\n`);
  }

  flush(): void {
    if (this.#text !== '') this.#out(this.#text);
    this.#text = '';
  }
}

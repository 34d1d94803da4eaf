import { stripVTControlCharacters, styleText } from 'node:util';

/** What the page is drawn on. Everything in this directory is a function of data and this. */
export interface Layout {
  /** Columns; nothing drawn is wider. */
  readonly width: number;
  readonly colour: boolean;
  /** False on a terminal that speaks no UTF-8. */
  readonly unicode: boolean;
  /** `-o wide`: every line of every list. */
  readonly wide: boolean;
}

export type Tone = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

export function tone(layout: Layout, name: Tone, text: string): string {
  return layout.colour && text !== '' ? styleText(name, text, { validateStream: false }) : text;
}

export interface Symbols {
  readonly done: string;
  readonly running: string;
  readonly pending: string;
  readonly failed: string;
  readonly undone: string;
  readonly rule: string;
  readonly dot: string;
  readonly ellipsis: string;
}

const UNICODE: Symbols = {
  done: '✓',
  running: '●',
  pending: '·',
  failed: '✗',
  undone: '↩',
  rule: '─',
  dot: '·',
  ellipsis: '…',
};
const ASCII: Symbols = {
  done: '+',
  running: '>',
  pending: '.',
  failed: 'x',
  undone: '<',
  rule: '-',
  dot: '-',
  ellipsis: '~',
};

export function symbols(layout: Layout): Symbols {
  return layout.unicode ? UNICODE : ASCII;
}

/** Columns that a styled text takes: every character of ours is one wide. */
export function widthOf(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

/**
 * Text from elsewhere made safe to print: a node's words must not move the cursor. Also plain
 * punctuation where the terminal speaks no UTF-8.
 */
export function clean(layout: Layout, text: string): string {
  const safe = stripVTControlCharacters(text)
    .replace(/\p{Cc}+/gu, ' ')
    // What would show the words in another order than they have.
    .replace(/[\u202a-\u202e\u2066-\u2069]/gu, '')
    .trim();
  if (layout.unicode) return safe;
  return safe
    .replace(/[’‘]/g, "'")
    .replace(/[“”]/g, '"')
    .replace(/[–—]/g, '-')
    .replace(/[^ -~]/g, '?');
}

/** At most `width` columns, its end marked where something was cut off. */
export function clip(layout: Layout, text: string, width: number): string {
  const characters = Array.from(text);
  if (characters.length <= width) return text;
  return width <= 0 ? '' : characters.slice(0, width - 1).join('') + symbols(layout).ellipsis;
}

/** Paragraph of at most the layout's width, `indent` columns from the left; long words are broken. */
export function wrap(layout: Layout, text: string, indent = 0, firstIndent = indent): string[] {
  const lines: string[] = [];
  let line = ' '.repeat(firstIndent);
  let empty = true;
  const room = Math.max(layout.width - indent, 8);
  for (const word of clean(layout, text).split(/ +/)) {
    for (const piece of pieces(word, room)) {
      const needed = widthOf(line) + (empty ? 0 : 1) + Array.from(piece).length;
      if (needed > layout.width && !empty) {
        lines.push(line);
        line = ' '.repeat(indent);
        empty = true;
      }
      line += (empty ? '' : ' ') + piece;
      empty = false;
    }
  }
  return empty ? lines : [...lines, line];
}

function pieces(word: string, room: number): string[] {
  const characters = Array.from(word);
  if (characters.length <= room) return word === '' ? [] : [word];
  const parts: string[] = [];
  for (let at = 0; at < characters.length; at += room) parts.push(characters.slice(at, at + room).join(''));
  return parts;
}

/** A quoted word is one, whatever is in it. */
const COMMAND_WORD = /(?:'[^']*'|\\.|[^\s'\\])+/gu;
const GOES_ON = ' \\';
/** What must stay together inside of quotes. */
const QUOTED_ATOM = /'\\''|\\x[0-9a-f]{2}|\\.|[^]/gu;

/** A command to be copied: broken between its words alone, and so that a shell reads on. */
export function commandLines(layout: Layout, command: string, indent: number): string[] {
  const margin = ' '.repeat(indent);
  const room = layout.width - indent - GOES_ON.length;
  const lines: string[] = [];
  for (const word of clean(layout, command).match(COMMAND_WORD) ?? []) {
    const line = lines.at(-1) ?? '';
    if (lines.length > 0 && line.length + 1 + word.length <= layout.width - GOES_ON.length) {
      lines[lines.length - 1] = `${line} ${word}`;
      continue;
    }
    if (lines.length > 0) lines[lines.length - 1] = line + GOES_ON;
    const [first = '', ...rest] = word.length <= room ? [word] : wordPieces(word, room);
    // What goes on in the middle of a word begins at the margin: a blank before it would end the word.
    lines.push(margin + first, ...rest);
    for (let at = lines.length - 1 - rest.length; at < lines.length - 1; at++) lines[at] += '\\';
  }
  return lines;
}

/** A word in pieces that a shell puts together again, each quoted as the whole was. */
function wordPieces(word: string, room: number): string[] {
  const [open, close] = word.startsWith("$'") ? ["$'", "'"] : word.startsWith("'") ? ["'", "'"] : ['', ''];
  const inside = word.slice(open.length, word.length - close.length);
  const pieces: string[] = [];
  let piece = '';
  for (const atom of inside.match(QUOTED_ATOM) ?? []) {
    if (piece !== '' && open.length + piece.length + atom.length + close.length > room) {
      pieces.push(open + piece + close);
      piece = '';
    }
    piece += atom;
  }
  return [...pieces, open + piece + close];
}

/** "Label    value", the value wrapped under itself. */
export function field(layout: Layout, label: string, value: string, labelWidth: number): string[] {
  if (value === '') return [];
  const [first = '', ...rest] = wrap(layout, value, 2 + labelWidth);
  return [`  ${tone(layout, 'dim', label.padEnd(labelWidth))}${first.slice(2 + labelWidth)}`, ...rest];
}

/** Fields under each other, values aligned; those without a value left out. */
export function fields(layout: Layout, pairs: readonly (readonly [string, string])[]): string[] {
  const present = pairs.filter(([, value]) => value !== '');
  const labelWidth = Math.max(0, ...present.map(([label]) => label.length)) + 2;
  return present.flatMap(([label, value]) => field(layout, label, value, labelWidth));
}

export function heading(layout: Layout, text: string): string {
  return tone(layout, 'bold', clip(layout, text, layout.width));
}

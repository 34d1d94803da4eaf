/**
 * Regular expressions whose cost is known before they run: no step ever goes back. A rule of a
 * stranger meets a text of an intruder here, and JavaScript's own expressions take exponential time
 * where the two are made for each other. The price is a smaller language: no look-around and no
 * back-references.
 */
export interface Pattern {
  readonly source: string;
  /** True where the pattern occurs anywhere in the text; only its first `MAX_TEXT` characters are read. */
  test(text: string): boolean;
}

/** Characters of a text that are looked at. Command lines and images are far shorter. */
export const MAX_TEXT = 65_536;
export const MAX_SOURCE = 1_000;
/** Of the compiled pattern: counted repetitions are written out. */
export const MAX_STATES = 2_000;

type Node =
  | { readonly kind: 'empty' }
  | { readonly kind: 'set'; readonly accepts: (code: number) => boolean }
  | { readonly kind: 'assert'; readonly at: Assertion }
  | { readonly kind: 'sequence' | 'choice'; readonly of: readonly Node[] }
  | { readonly kind: 'repeat'; readonly of: Node; readonly least: number; readonly most: number };
type Assertion = 'start' | 'end' | 'word-edge' | 'no-word-edge';

type Instruction =
  | { readonly do: 'set'; readonly accepts: (code: number) => boolean }
  | { readonly do: 'assert'; readonly at: Assertion }
  | { readonly do: 'split'; first: number; second: number }
  | { readonly do: 'jump'; to: number }
  | { readonly do: 'match' };

/** `(?i)` at its start makes it blind to case. Throws an Error that says what is wrong and where. */
export function compilePattern(source: string): Pattern {
  if (source.length > MAX_SOURCE) throw new Error(`it is longer than ${MAX_SOURCE} characters`);
  const blind = source.startsWith('(?i)');
  const node = new Parser(blind ? source.slice(4) : source, blind).parse();
  const program: Instruction[] = [];
  emit(program, node);
  program.push({ do: 'match' });
  return { source, test: (text) => run(program, blind ? text.toLowerCase() : text) };
}

class Parser {
  readonly #text: readonly string[];
  readonly #blind: boolean;
  #at = 0;

  constructor(text: string, blind: boolean) {
    this.#text = Array.from(text);
    this.#blind = blind;
  }

  parse(): Node {
    const node = this.#choice();
    if (this.#at < this.#text.length) throw this.#wrong('a bracket closes that was never opened');
    return node;
  }

  #choice(): Node {
    const branches = [this.#sequence()];
    while (this.#take('|')) branches.push(this.#sequence());
    return branches.length === 1 ? branches[0]! : { kind: 'choice', of: branches };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#at < this.#text.length && !this.#sees('|') && !this.#sees(')')) parts.push(this.#repeated());
    return parts.length === 1 ? parts[0]! : { kind: 'sequence', of: parts };
  }

  #repeated(): Node {
    let node = this.#atom();
    for (;;) {
      const bounds = this.#bounds();
      if (bounds === undefined) return node;
      // Whether the longest or the shortest is wanted makes no difference to a yes or no.
      this.#take('?');
      node = { kind: 'repeat', of: node, ...bounds };
    }
  }

  #bounds(): { least: number; most: number } | undefined {
    if (this.#take('*')) return { least: 0, most: Infinity };
    if (this.#take('+')) return { least: 1, most: Infinity };
    if (this.#take('?')) return { least: 0, most: 1 };
    const counted = /^\{(\d{1,3})(,(\d{0,3}))?\}/.exec(this.#text.slice(this.#at, this.#at + 10).join(''));
    if (counted === null) return undefined;
    this.#at += counted[0].length;
    const least = Number(counted[1]);
    const most = counted[2] === undefined ? least : counted[3] === '' ? Infinity : Number(counted[3]);
    if (most < least) throw this.#wrong('a repetition counts backwards');
    return { least, most };
  }

  #atom(): Node {
    const next = this.#next();
    switch (next) {
      case '(':
        return this.#group();
      case '[':
        return { kind: 'set', accepts: this.#class() };
      case '.':
        return { kind: 'set', accepts: (code) => code !== 10 };
      case '^':
        return { kind: 'assert', at: 'start' };
      case '$':
        return { kind: 'assert', at: 'end' };
      case '*':
      case '+':
      case '?':
        throw this.#wrong(`nothing stands before ${next}`);
      case '\\':
        return this.#escape();
      default:
        return this.#literal(next);
    }
  }

  #group(): Node {
    if (this.#sees('?')) {
      this.#at += 1;
      if (!this.#take(':')) throw this.#wrong('of the groups with (? only (?: is known');
    }
    const node = this.#choice();
    if (!this.#take(')')) throw this.#wrong('a bracket is not closed');
    return node;
  }

  #escape(): Node {
    const letter = this.#next();
    if (letter === 'b') return { kind: 'assert', at: 'word-edge' };
    if (letter === 'B') return { kind: 'assert', at: 'no-word-edge' };
    const named = NAMED[letter];
    if (named !== undefined) return { kind: 'set', accepts: named };
    if (/[0-9a-zA-Z]/.test(letter) && LETTERS[letter] === undefined) {
      throw this.#wrong(`\\${letter} is not known`);
    }
    return this.#literal(LETTERS[letter] ?? letter);
  }

  #class(): (code: number) => boolean {
    const negated = this.#take('^');
    const accepted: ((code: number) => boolean)[] = [];
    for (let first = true; first || !this.#sees(']'); first = false) {
      const low = this.#classMember();
      if (typeof low === 'function') {
        accepted.push(low);
        continue;
      }
      const isRange = this.#sees('-') && this.#text[this.#at + 1] !== ']';
      if (isRange) this.#at += 1;
      const high = isRange ? this.#classMember() : low;
      if (typeof high === 'function' || high < low) throw this.#wrong('a range of characters is not one');
      const blind = this.#blind;
      accepted.push((code) => between(code, low, high) || (blind && between(otherCase(code), low, high)));
    }
    this.#at += 1;
    return (code) => accepted.some((accepts) => accepts(code)) !== negated;
  }

  #classMember(): number | ((code: number) => boolean) {
    const character = this.#next();
    if (character !== '\\') return codeOf(character);
    const letter = this.#next();
    return NAMED[letter] ?? codeOf(LETTERS[letter] ?? letter);
  }

  #literal(character: string): Node {
    const wanted = codeOf(this.#blind ? character.toLowerCase() : character);
    return { kind: 'set', accepts: (code) => code === wanted };
  }

  #next(): string {
    const character = this.#text[this.#at++];
    if (character === undefined) throw this.#wrong('it ends too early');
    return character;
  }

  #sees(character: string): boolean {
    return this.#text[this.#at] === character;
  }

  #take(character: string): boolean {
    if (!this.#sees(character)) return false;
    this.#at += 1;
    return true;
  }

  #wrong(what: string): Error {
    return new Error(`${what} (at character ${Math.min(this.#at, this.#text.length)})`);
  }
}

function emit(program: Instruction[], node: Node): void {
  if (program.length > MAX_STATES) throw new Error(`it has more than ${MAX_STATES} states`);
  switch (node.kind) {
    case 'empty':
      return;
    case 'set':
      program.push({ do: 'set', accepts: node.accepts });
      return;
    case 'assert':
      program.push({ do: 'assert', at: node.at });
      return;
    case 'sequence':
      for (const part of node.of) emit(program, part);
      return;
    case 'choice':
      emitChoice(program, node.of);
      return;
    case 'repeat':
      emitRepeat(program, node);
  }
}

function emitChoice(program: Instruction[], branches: readonly Node[]): void {
  const ends: { do: 'jump'; to: number }[] = [];
  branches.forEach((branch, index) => {
    if (index === branches.length - 1) return emit(program, branch);
    const split = { do: 'split' as const, first: program.length + 1, second: 0 };
    program.push(split);
    emit(program, branch);
    const end = { do: 'jump' as const, to: 0 };
    program.push(end);
    ends.push(end);
    split.second = program.length;
  });
  for (const end of ends) end.to = program.length;
}

function emitRepeat(program: Instruction[], { of, least, most }: Extract<Node, { kind: 'repeat' }>): void {
  for (let count = 0; count < least; count += 1) emit(program, of);
  if (most === Infinity) {
    const split = { do: 'split' as const, first: program.length + 1, second: 0 };
    const back = program.length;
    program.push(split);
    emit(program, of);
    program.push({ do: 'jump', to: back });
    split.second = program.length;
    return;
  }
  const splits: { second: number }[] = [];
  for (let count = least; count < most; count += 1) {
    const split = { do: 'split' as const, first: program.length + 1, second: 0 };
    program.push(split);
    splits.push(split);
    emit(program, of);
  }
  for (const split of splits) split.second = program.length;
}

/** All places that the program may be in, moved forward character by character: at most states times characters. */
function run(program: readonly Instruction[], text: string): boolean {
  const length = Math.min(text.length, MAX_TEXT);
  const mark = new Int32Array(program.length).fill(-1);
  const stack: number[] = [];
  let here: number[] = [];
  let next: number[] = [];
  for (let at = 0; at <= length; at += 1) {
    // A match may begin anywhere.
    if (spread(0, at, here)) return true;
    if (at === length) return false;
    const code = text.charCodeAt(at);
    mark.fill(-1);
    for (const state of here) {
      const instruction = program[state]!;
      if (instruction.do === 'set' && instruction.accepts(code) && spread(state + 1, at + 1, next))
        return true;
    }
    [here, next] = [next, here];
    next.length = 0;
  }
  return false;

  /** Adds a state and all that it leads to without a character; true where one of them is the end. */
  function spread(from: number, at: number, into: number[]): boolean {
    stack.push(from);
    for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
      if (mark[state] === at) continue;
      mark[state] = at;
      const instruction = program[state]!;
      if (instruction.do === 'match') {
        stack.length = 0;
        return true;
      }
      if (instruction.do === 'set') into.push(state);
      else if (instruction.do === 'jump') stack.push(instruction.to);
      else if (instruction.do === 'split') stack.push(instruction.first, instruction.second);
      else if (holds(instruction.at, text, at, length)) stack.push(state + 1);
    }
    return false;
  }
}

function holds(assertion: Assertion, text: string, at: number, length: number): boolean {
  if (assertion === 'start') return at === 0;
  if (assertion === 'end') return at === length;
  const before = at > 0 && isWord(text.charCodeAt(at - 1));
  const after = at < length && isWord(text.charCodeAt(at));
  return (before !== after) === (assertion === 'word-edge');
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isWord = (code: number): boolean =>
  isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95;
const isSpace = (code: number): boolean =>
  code === 32 || (code >= 9 && code <= 13) || code === 0xa0 || code === 0xfeff;

const NAMED: Readonly<Record<string, (code: number) => boolean>> = {
  d: isDigit,
  D: (code) => !isDigit(code),
  w: isWord,
  W: (code) => !isWord(code),
  s: isSpace,
  S: (code) => !isSpace(code),
};
const LETTERS: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function codeOf(character: string): number {
  if (character.length > 1) throw new Error('a character outside of the basic plane is not understood');
  return character.charCodeAt(0);
}

function between(code: number, low: number, high: number): boolean {
  return code >= low && code <= high;
}

function otherCase(code: number): number {
  const character = String.fromCharCode(code);
  const upper = character.toUpperCase();
  return (upper === character ? character.toLowerCase() : upper).charCodeAt(0);
}

/**
 * HTML of our own making around words of others. What is put into a template is text, and is
 * escaped, unless it is `Html` itself: there is no other way to make markup.
 */
export class Html {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** For the tag below and for the style sheet, which is ours. */
  static trusted(text: string): Html {
    return new Html(text);
  }

  toString(): string {
    return this.#text;
  }
}

export type Fragment = Html | string | number | undefined | false | readonly Fragment[];

export function html(strings: TemplateStringsArray, ...values: readonly Fragment[]): Html {
  const text = strings.reduce(
    (whole, part, index) => whole + part + (index < values.length ? render(values[index]) : ''),
    '',
  );
  return Html.trusted(text);
}

function render(value: Fragment): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'object') return value.map(render).join('');
  return escapeText(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Controls, orders to write from right to left, halves of characters, and what cannot be seen. */
const SUSPECT = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const KEPT = new Set(['\n', '\t']);

/** Safe between tags and in a quoted attribute. */
export function escapeText(text: string): string {
  return text
    .replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? '')
    .replace(SUSPECT, (character) => (KEPT.has(character) ? character : `⟨U+${codeOf(character)}⟩`));
}

function codeOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}

/** A word of the cluster's, kept from turning the words around it. */
export function code(text: string): Html {
  return html`<code>${text}</code>`;
}

/** At most so many characters, and how many more there were: a name may be a megabyte long. */
export function cut(text: string, maxCharacters: number): string {
  const characters = Array.from(text);
  if (characters.length <= maxCharacters) return text;
  return `${characters.slice(0, maxCharacters).join('')}… (${characters.length - maxCharacters} more characters)`;
}

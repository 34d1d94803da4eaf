/**
 * A message of the contract as JSON that a script can compute with: 64-bit integers are numbers
 * while they are exact and strings beyond; bytes are base64; a oneof is the field that is set.
 */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') {
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
      ? Number(value)
      : value.toString();
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const fields = value as Record<string, unknown>;
  if (typeof fields['$case'] === 'string') return { [fields['$case']]: plain(fields['value']) };
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name, plain(field)]),
  );
}

/** What a terminal may take for a command or for another order of the words, beside what JSON escapes itself. */
const TREACHEROUS = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** JSON, or YAML where the same holds, that says the same and that a terminal shows as it is. */
export function printable(text: string): string {
  return text.replace(TREACHEROUS, escaped);
}

/** Lines of another program's making, of which a terminal shows every character and obeys none but their ends. */
export function printableLines(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return printable(text).replace(/[\0-\t\u000b-\u001f]/g, escaped);
}

/** A name that stays one line, and a name, whatever is in it. */
export function oneLine(name: string): string {
  // oxlint-disable-next-line no-control-regex
  return printable(name).replace(/[\0-\x1f]/g, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

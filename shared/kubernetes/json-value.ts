/** Deeper than any real object, shallow enough for whoever walks it by recursion. */
export const MAX_JSON_DEPTH = 1000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LONG_NUMBER = /\d{16}/;
const INTEGER = /^-?\d+$/;

/**
 * JSON of any origin. Undefined where it is none, or nested deeper than `MAX_JSON_DEPTH`. An
 * integer that no JavaScript number holds exactly stands as the text of its digits. Of a key that
 * is there twice the last one counts, as it does for the API server.
 */
export function parseJson(text: string): unknown {
  // Each level takes two characters at least.
  if (text.length > 2 * MAX_JSON_DEPTH && isTooDeep(text)) return undefined;
  try {
    return LONG_NUMBER.test(text) ? JSON.parse(text, exactly) : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function exactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return INTEGER.test(source) ? source : value;
}

function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfText(text, at + 1);
        break;
      case 0x7b:
      case 0x5b:
        depth += 1;
        if (depth > MAX_JSON_DEPTH) return true;
        break;
      case 0x7d:
      case 0x5d:
        depth -= 1;
        break;
    }
  }
  return false;
}

/** Of the closing quote, or beyond the text. */
function endOfText(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    at += code === BACKSLASH ? 2 : 1;
  }
  return at;
}

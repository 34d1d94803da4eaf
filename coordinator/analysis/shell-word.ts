/** What no shell makes anything of. */
const PLAIN = /^[\w@%+=:,./-]+$/u;
/** What a terminal obeys or hides, and what text is cleaned of before it is shown. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/**
 * A word of a command that is shown to be copied. What cannot be shown as it is stands as bytes in
 * the quotes `$'…'` of bash and zsh: a key that an intruder named so must still be found.
 */
export function shellWord(word: string): string {
  if (PLAIN.test(word)) return word;
  if (!UNPRINTABLE.test(word)) return `'${word.replaceAll("'", String.raw`'\''`)}'`;
  const escaped = Array.from(word, (character) => {
    if (character === '\\') return String.raw`\\`;
    return character === "'" || UNPRINTABLE.test(character) ? bytesOf(character) : character;
  });
  return `$'${escaped.join('')}'`;
}

function bytesOf(character: string): string {
  return Array.from(
    Buffer.from(character),
    (byte) => String.raw`\x${byte.toString(16).padStart(2, '0')}`,
  ).join('');
}

/** A command that was written for a store called FILE, for the one that is meant. */
export function commandFor(check: string, storePath: string): string {
  return check.replace(/\bFILE\b/u, () => shellWord(storePath));
}

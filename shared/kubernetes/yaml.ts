import { parseDocument } from 'yaml';

/** Against a small file that unfolds to a large one. */
const MAX_ALIASES = 100;

/**
 * A file as kubelet and kubectl read it: its first document alone, and of a name that is given twice
 * the last value. To refuse either would let an intruder hide a file that works. Throws where that
 * document is broken; the error quotes nothing, for the text may hold keys.
 */
export function parseFirstDocument(text: string): unknown {
  try {
    // 'silent' lets further documents be. With it `parse` would also take what it could read of a
    // broken text for the whole: errors are looked for here.
    const document = parseDocument(text, { prettyErrors: false, logLevel: 'silent', uniqueKeys: false });
    if (document.errors.length === 0) return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    // An alias of nothing, or too many of them.
  }
  throw new Error('it is no YAML');
}

/** Names of objects by `*` and `?`. Linear: a star that fits takes back at most to itself. */
export function globMatches(glob: string, text: string): boolean {
  let inGlob = 0;
  let inText = 0;
  let star = -1;
  let starText = 0;
  while (inText < text.length) {
    if (glob[inGlob] === '*') {
      star = inGlob++;
      starText = inText;
    } else if (glob[inGlob] === '?' || glob[inGlob] === text[inText]) {
      inGlob += 1;
      inText += 1;
    } else if (star >= 0) {
      inGlob = star + 1;
      inText = ++starText;
    } else {
      return false;
    }
  }
  while (glob[inGlob] === '*') inGlob += 1;
  return inGlob === glob.length;
}

/** Without globs everything is meant. */
export function anyGlobMatches(globs: readonly string[] | undefined, text: string): boolean {
  return globs === undefined || globs.some((glob) => globMatches(glob, text));
}

export function isGlob(text: string): boolean {
  return /[*?]/.test(text);
}

/** Returns whether a glob (`*` and `?`) matches a whole text, in time proportional to the product of both lengths. */
export function globFits(glob: string, text: string): boolean {
  const [pattern, letters] = [Array.from(glob), Array.from(text)];
  let at = 0;
  let star = -1;
  let resumed = 0;
  for (let index = 0; index < letters.length; ) {
    if (pattern[at] === '*') {
      star = at;
      resumed = index;
      at += 1;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === letters[index])) {
      at += 1;
      index += 1;
    } else if (star >= 0) {
      // The last star matches one more character. Earlier stars need not be tried again.
      at = star + 1;
      resumed += 1;
      index = resumed;
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}

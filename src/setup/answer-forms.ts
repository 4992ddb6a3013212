/** Returns what is wrong with the form of an e-mail address; undefined if nothing is. */
export function emailProblem(text: string): string | undefined {
  return /^[^\s@]+@[^\s@]+\.[^\s@.]{2,}$/.test(text)
    ? undefined
    : 'An e-mail address looks like you@example.com.';
}

/** Returns what is wrong with the form of a key; undefined if nothing is. */
export function keyProblem(text: string): string | undefined {
  if (/^[A-Z][A-Z_]+\s*=/.test(text))
    return 'Paste the value only, without the name and the = in front of it.';
  return /^[\x21-\x7e]+$/.test(text) ? undefined : 'A key contains no spaces and no letters such as ä or 你.';
}

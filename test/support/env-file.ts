/** Returns the variables of a file such as bridge.env. */
export function envFile(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => /^[A-Z]\w*=/.test(line));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

/** Returns the variables that are comments in the file: those of the account road, and of a proxy. */
export function accountRoad(text: string): Record<string, string> {
  return envFile(text.replaceAll(/^[A-Z].*$/gm, '').replaceAll(/^#(?=[A-Z]\w*=)/gm, ''));
}

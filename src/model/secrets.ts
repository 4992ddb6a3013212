export const REDACTED = '[redacted]';

/** How every key for clients of the bridge begins. */
export const KEY_PREFIX = 'difymcp_';

/** Masking shorter secrets would hide ordinary words. */
const MIN_LENGTH = 6;
/** The most remembered values. They need a limit because the tokens of a login change every hour. */
const MAX_REMEMBERED = 50;

/** Secrets that are recognisable from their form or context, such as keys of the bridge and signed links. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`${KEY_PREFIX}[\\w-]{43}`, 'g'), `${KEY_PREFIX}${REDACTED}`],
  [/\b(sign|signature|nonce|token|access_token|api_key)=[^&"'\s\\,;]+/gi, `$1=${REDACTED}`],
  // Dify's errors may name its database or its broker with the password.
  [/(:\/\/[^\s/?#@:]*:)[^\s/?#@]+(?=@)/g, `$1${REDACTED}`],
  // Not the words "bearer token".
  [/\bBearer\s+(?=[\w.~+/=-]*\d|[\w.~+/=-]{16})[\w.~+/=-]+/gi, `Bearer ${REDACTED}`],
];

/** A backslash, plain or escaped for a URL or HTML. Repetitions are bounded, so that matching stays fast. */
const BACKSLASH = String.raw`(?:\\|%(?:25){0,3}5[cC]|&(?:amp;){0,3}#(?:0{0,6}92|[xX]0{0,6}5[cC]);)`;
/** Characters that JSON, and JSON inside JSON, may escape with backslashes. */
const ESCAPABLE = /["'/]/;
/** Characters with a named HTML entity. */
const HTML_NAMES: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
};

/**
 * The secret values that the bridge knows. Text from other programs passes through `mask`: log lines, and errors with
 * words of Dify or of a server in its place, which may quote the request that they received.
 */
export class Secrets {
  readonly #configured: readonly string[];
  /** Values added at run time, the latest last. */
  readonly #remembered = new Set<string>();
  #maskKnown: ((text: string) => string) | undefined;

  constructor(configured: readonly string[] = []) {
    this.#configured = configured.filter(isLong);
  }

  /** Adds a value at run time. Beyond a limit, the oldest such values are forgotten. */
  remember(value: string): void {
    if (!isLong(value)) return;
    if (!this.#remembered.delete(value)) this.#maskKnown = undefined;
    this.#remembered.add(value);
    const [oldest] = this.#remembered;
    if (this.#remembered.size > MAX_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
  }

  /** Returns the text without secrets, including those escaped for JSON, a URL or HTML. */
  mask(text: string): string {
    let clean = this.maskKnown(text);
    for (const [pattern, replacement] of PATTERNS) clean = clean.replace(pattern, replacement);
    return clean;
  }

  /** Like `mask`, but masks only known values, not text that looks like a secret. */
  maskKnown(text: string): string {
    this.#maskKnown ??= maskOf([...this.#configured, ...this.#remembered]);
    return this.#maskKnown(text);
  }
}

function isLong(secret: string): boolean {
  return secret.length >= MIN_LENGTH;
}

function longestFirst(texts: readonly string[]): string[] {
  return texts.toSorted((a, b) => b.length - a.length);
}

/** Returns a function that masks these secrets in a text. */
function maskOf(secrets: readonly string[]): (text: string) => string {
  // Dify's login takes the password as Base64.
  const base64 = (secret: string): string => Buffer.from(secret).toString('base64').replace(/=+$/, '');
  // The longest come first, because one secret may be the beginning of another.
  const forms = longestFirst([...new Set(secrets.flatMap((secret) => [secret, base64(secret)]))]);
  // The longest part of each form that nothing escapes. Making the pattern takes a millisecond, so it waits for one of them.
  const cores = forms.map((form) => longestFirst(form.match(/[a-z0-9]+/gi) ?? [])[0] ?? '');
  let pattern: RegExp | undefined;
  return (text) => {
    if (!cores.some((core) => text.includes(core))) return text;
    pattern ??= new RegExp(forms.map(everyForm).join('|'), 'g');
    return text.replace(pattern, REDACTED);
  };
}

/** Returns the source of a pattern for a text in which each character may be escaped in any way. */
function everyForm(text: string): string {
  return Array.from(text.matchAll(/\\+|[^]/gu), ([part]) => {
    if (/[a-z0-9]/i.test(part)) return part;
    // Each level of escaping doubles backslashes.
    if (part.startsWith('\\')) return `${BACKSLASH}{${part.length},${8 * part.length}}`;
    const units = part.split('').map((unit) => hex(unit.charCodeAt(0), 4));
    const plain = units.map((unit) => `\\u${unit}`).join('');
    const inJson = units.map((unit) => `${BACKSLASH}{1,8}u${anyCase(unit)}`).join('');
    const escaped = ESCAPABLE.test(part) ? `${BACKSLASH}{0,7}` : '';
    return `(?:${escaped}(?:${[inUrl(part), inHtml(part), plain].join('|')})|${inJson})`;
  }).join('');
}

function inUrl(character: string): string {
  const bytes = [...Buffer.from(character)].map((byte) => `%(?:25){0,3}${anyCase(hex(byte, 2))}`);
  return `${bytes.join('')}${character === ' ' ? '|\\+' : ''}`;
}

function inHtml(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const name = HTML_NAMES[character];
  const names = [
    `#0{0,6}${code}`,
    `#[xX]0{0,6}${anyCase(hex(code, 1))}`,
    ...(name === undefined ? [] : [name]),
  ];
  return `&(?:amp;){0,3}(?:${names.join('|')});`;
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0');
}

function anyCase(digits: string): string {
  return digits.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}

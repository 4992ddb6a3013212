/** What stands in place of a secret. */
export const REDACTED = '[redacted]';

/** A shorter secret would blot out ordinary words wherever they occur. */
const MIN_LENGTH = 6;
/** As many values that were remembered are known at once: the tokens of a login change every hour. */
const MAX_REMEMBERED = 50;

/** Secrets that a text itself shows to be some: signed links and bearer tokens. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\b(sign|signature|nonce|token|access_token|api_key)=[^&"'\s\\,;]+/gi, `$1=${REDACTED}`],
  // Not the words "bearer token".
  [/\bBearer\s+(?=[\w.~+/=-]*\d|[\w.~+/=-]{16})[\w.~+/=-]+/gi, `Bearer ${REDACTED}`],
];

/** A backslash as it is, in a URL, or in a web page. What may be repeated has a limit, so that no text takes long. */
const BACKSLASH = String.raw`(?:\\|%(?:25){0,3}5[cC]|&(?:amp;){0,3}#(?:0{0,6}92|[xX]0{0,6}5[cC]);)`;
/** Characters before which backslashes may stand: of JSON, JSON in JSON and so on. */
const ESCAPABLE = /["'/]/;
/** Characters that HTML has a name for. */
const HTML_NAMES: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
};

/**
 * The secret values that the bridge knows. Everything that repeats what others have said passes `mask`: log lines,
 * and errors with words of Dify or of a server in its place, which may quote the request that it got.
 */
export class Secrets {
  readonly #configured: readonly string[];
  /** Values that came up later, the latest last. */
  readonly #remembered = new Set<string>();
  /** Fits all of them; undefined until it is needed. */
  #pattern: RegExp | undefined;

  constructor(configured: readonly string[] = []) {
    this.#configured = configured.filter(isLong);
  }

  /** Adds a value that came up while the bridge runs; of many, the oldest are forgotten. */
  remember(value: string): void {
    if (!isLong(value)) return;
    if (!this.#remembered.delete(value)) this.#pattern = undefined;
    this.#remembered.add(value);
    const [oldest] = this.#remembered;
    if (this.#remembered.size > MAX_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
  }

  /** The text without secrets, also where they are escaped as in JSON, in a URL or in a web page. */
  mask(text: string): string {
    let clean = this.maskKnown(text);
    for (const [pattern, replacement] of PATTERNS) clean = clean.replace(pattern, replacement);
    return clean;
  }

  /** The same, but for what only looks like a secret. */
  maskKnown(text: string): string {
    this.#pattern ??= patternOf([...this.#configured, ...this.#remembered]);
    return text.replace(this.#pattern, REDACTED);
  }
}

function isLong(secret: string): boolean {
  return secret.length >= MIN_LENGTH;
}

function patternOf(secrets: readonly string[]): RegExp {
  // Dify takes passwords as Base64.
  const forms = secrets.flatMap((secret) => [
    secret,
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  ]);
  // The longest first: one may be the beginning of another.
  const sorted = [...new Set(forms)].sort((a, b) => b.length - a.length);
  return sorted.length === 0 ? /(?!)/g : new RegExp(sorted.map(everyForm).join('|'), 'g');
}

/** The source of a pattern for a text, each of its characters escaped in any way or none. */
function everyForm(text: string): string {
  return Array.from(text.matchAll(/\\+|[^]/gu), ([part]) => {
    if (/[a-z0-9]/i.test(part)) return part;
    // Each escaping doubles them.
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

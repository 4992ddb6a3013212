/** The name that a Content-Disposition header gives (RFC 6266), the one in Unicode first; undefined without one. */
export function nameInHeader(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const extended = /;\s*filename\*\s*=\s*"?(utf-8|iso-8859-1)'[^']*'([^;"\s]+)/i.exec(header);
  if (extended !== null) {
    const [, charset = '', text = ''] = extended;
    const decoded = charset.toLowerCase() === 'utf-8' ? decoded8(text) : unescape1(text);
    if (decoded !== undefined && decoded !== '') return decoded;
  }
  const [, quoted, plain] = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]+))/i.exec(header) ?? [];
  const name = quoted?.replace(/\\(.)/g, '$1') ?? plain?.trim();
  // Many servers put UTF-8 there, and Node reads headers as Latin-1.
  return name === undefined || name === '' ? undefined : asUtf8(name);
}

/** The last part of an address's path; empty where it has none. */
export function nameInUrl(url: URL): string {
  const part = url.pathname.split('/').at(-1) ?? '';
  return decoded8(part) ?? part;
}

function decoded8(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function unescape1(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) =>
    String.fromCodePoint(Number.parseInt(hex, 16)),
  );
}

function asUtf8(latin1: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return latin1;
  }
}

export interface FileLink {
  /** `tool`: a ToolFile (`/files/tools/<id>.<ext>`). `upload`: an UploadFile (`/files/<id>/file-preview`). */
  readonly kind: 'tool' | 'upload';
  readonly id: string;
  /** Begins with `/files/`, without Dify's own host; always has an extension, which the route requires. */
  readonly path: string;
  /** Includes its question mark; may be empty. */
  readonly query: string;
  /** True if the link has a timestamp, nonce and signature; only Dify knows whether they are valid. */
  readonly signed: boolean;
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const FILE_PATH = new RegExp(
  `/files/(?:tools/(?<tool>${UUID})(?<extension>\\.[\\w.-]+)?|(?<upload>${UUID})/file-preview)$`,
  'i',
);
const SIGNATURE_FIELDS = ['timestamp', 'nonce', 'sign'];

/** Returns the Dify file that a relative or absolute URL points to; undefined for any other address. */
export function parseFileLink(url: string): FileLink | undefined {
  const withoutFragment = url.split('#', 1)[0] ?? '';
  const mark = withoutFragment.indexOf('?');
  const address = mark === -1 ? withoutFragment : withoutFragment.slice(0, mark);
  const query = mark === -1 ? '' : withoutFragment.slice(mark);
  const match = FILE_PATH.exec(address);
  const { tool, upload, extension } = match?.groups ?? {};
  const id = tool ?? upload;
  if (match === null || id === undefined || !(address.startsWith('/') || isWebAddress(address)))
    return undefined;
  return {
    kind: tool === undefined ? 'upload' : 'tool',
    id: id.toLowerCase(),
    path: tool === undefined || extension !== undefined ? match[0] : `${match[0]}.bin`,
    query,
    signed: SIGNATURE_FIELDS.every((field) => new URLSearchParams(query).has(field)),
  };
}

/** Returns the path of an address of Dify, from `/files/` on if it has that, without the host as Dify sees itself. */
export function ownPath(url: string): string {
  if (!URL.canParse(url, 'http://dify.invalid')) return url;
  const { pathname, search } = new URL(url, 'http://dify.invalid');
  const start = pathname.indexOf('/files/');
  return `${start === -1 ? pathname : pathname.slice(start)}${search}`;
}

export function isWebAddress(url: string): boolean {
  return /^https?:\/\//i.test(url);
}

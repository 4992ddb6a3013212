/** A link to a file that Dify keeps. */
export interface FileLink {
  /** `tool`: a ToolFile (`/files/tools/<id>.<ext>`). `upload`: an UploadFile (`/files/<id>/file-preview`). */
  readonly kind: 'tool' | 'upload';
  readonly id: string;
  /**
   * From `/files/` on: whatever host and prefix stand before it are Dify's view of itself, not ours. A ToolFile's
   * always has an extension: Dify's route needs one, and accepts any.
   */
  readonly path: string;
  /** With its question mark, or empty. */
  readonly query: string;
  /** Timestamp, nonce and signature are there; whether they hold, only Dify knows. */
  readonly signed: boolean;
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const FILE_PATH = new RegExp(
  `/files/(?:tools/(?<tool>${UUID})(?<extension>\\.[\\w.-]+)?|(?<upload>${UUID})/file-preview)$`,
  'i',
);
const SIGNATURE_FIELDS = ['timestamp', 'nonce', 'sign'];

/** The file of Dify that a relative or absolute URL leads to; undefined for every other address. */
export function parseFileLink(url: string): FileLink | undefined {
  const withoutFragment = url.split('#', 1)[0] ?? '';
  const mark = withoutFragment.indexOf('?');
  const address = mark === -1 ? withoutFragment : withoutFragment.slice(0, mark);
  const query = mark === -1 ? '' : withoutFragment.slice(mark);
  const match = FILE_PATH.exec(address);
  const { tool, upload, extension } = match?.groups ?? {};
  const id = tool ?? upload;
  if (match === null || id === undefined || !isPathOrWeb(address)) return undefined;
  return {
    kind: tool === undefined ? 'upload' : 'tool',
    id: id.toLowerCase(),
    path: tool === undefined || extension !== undefined ? match[0] : `${match[0]}.bin`,
    query,
    signed: query !== '' && isSigned(new URLSearchParams(query)),
  };
}

/** True for an absolute http or https address. */
export function isWebAddress(url: string): boolean {
  return /^https?:\/\//i.test(url);
}

function isSigned(fields: URLSearchParams): boolean {
  return SIGNATURE_FIELDS.every((field) => fields.has(field));
}

function isPathOrWeb(address: string): boolean {
  return address.startsWith('/') || isWebAddress(address);
}

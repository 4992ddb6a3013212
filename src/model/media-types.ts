/** Media types by file extension. If a type has several extensions, the usual one comes first. */
const BY_EXTENSION: Readonly<Record<string, string>> = {
  txt: 'text/plain',
  log: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  htm: 'text/html',
  css: 'text/css',
  js: 'text/javascript',
  py: 'text/x-python',
  json: 'application/json',
  xml: 'application/xml',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  mp3: 'audio/mpeg',
  wav: 'audio/wav',
  ogg: 'audio/ogg',
  m4a: 'audio/mp4',
  mp4: 'video/mp4',
  webm: 'video/webm',
  pdf: 'application/pdf',
  doc: 'application/msword',
  xls: 'application/vnd.ms-excel',
  ppt: 'application/vnd.ms-powerpoint',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  epub: 'application/epub+zip',
  zip: 'application/zip',
  amr: 'audio/amr',
  mov: 'video/quicktime',
  mpeg: 'video/mpeg',
};

/** The media type of a file whose type is unknown. */
export const UNKNOWN_TYPE = 'application/octet-stream';

const TEXTUAL =
  /^(text\/.+|.+\+(json|xml)|application\/(json|xml|yaml|x-yaml|x-ndjson|javascript|sql|toml|x-sh))$/;

export function isTextType(mimeType: string): boolean {
  return TEXTUAL.test(mimeType);
}

/** Types that a browser may execute. */
const ACTIVE = /^(text\/html|(text|application)\/(x-)?(java|ecma)script|.+[/+]xml|multipart\/.+)$/;

/** Returns the type under which to serve a file: plain text for types that a browser may execute. */
export function harmlessType(mimeType: string): string {
  return ACTIVE.test(mimeType) ? 'text/plain' : mimeType;
}

/** Returns the media type for the extension of a file name; undefined for an unknown extension. */
export function typeOfName(filename: string): string | undefined {
  const extension = /\.([a-z0-9]+)$/i.exec(filename)?.[1]?.toLowerCase();
  return extension !== undefined && Object.hasOwn(BY_EXTENSION, extension)
    ? BY_EXTENSION[extension]
    : undefined;
}

/** Returns the usual extension for a media type, with its dot; undefined for an unknown type. */
export function extensionOfType(mimeType: string): string | undefined {
  const registered = mimeType.replace('/x-', '/');
  const known = Object.entries(BY_EXTENSION).find(([, type]) => type === mimeType || type === registered);
  return known && `.${known[0]}`;
}

const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ...withKind('image', 'jpg jpeg png webp gif svg'),
  ...withKind('video', 'mp4 mov mpeg webm'),
  ...withKind('audio', 'mp3 m4a wav amr mpga'),
  ...withKind('document', 'txt markdown md mdx pdf html htm xlsx xls docx csv vtt properties'),
]);
/** In the order in which Dify looks for these parts in a MIME type. */
const MIME_PARTS: readonly (readonly [part: string, kind: string])[] = [
  ['image', 'image'],
  ['video', 'video'],
  ['audio', 'audio'],
  ['text', 'document'],
  ['pdf', 'document'],
];

/**
 * Returns Dify's type of a file: `image`, `video`, `audio`, `document` or `custom`. A workflow refuses a file whose type
 * differs from what Dify detects, so this follows Dify: first the extension, all lower or all upper case, then the MIME
 * type.
 */
export function detectFileKind(extension: string, mimeType: string): string {
  const name = extension.replace(/^\./, '');
  const lower = name.toLowerCase();
  const kind = name === lower || name === name.toUpperCase() ? EXTENSIONS.get(lower) : undefined;
  return kind ?? MIME_PARTS.find(([part]) => mimeType.includes(part))?.[1] ?? 'custom';
}

function withKind(kind: string, extensions: string): [extension: string, kind: string][] {
  return extensions.split(' ').map((extension) => [extension, kind]);
}

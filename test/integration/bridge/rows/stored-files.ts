import { JPEG, PDF, PNG, TYPE_NAMES, WAV } from '../../../support/content-fixtures.ts';
import type { ScriptedAnswer } from '../../../support/scripted-dify.ts';
import { said } from './row.ts';

/** Larger images than this are linked to, in bytes. */
export const MAX_IMAGE_BYTES = 4000;
/** Larger files than this are described, in bytes. */
export const MAX_OUTPUT_BYTES = 8000;

interface StoredFile {
  readonly id: string;
  readonly type: string;
  readonly bytes: Buffer;
}

const stored = (digit: string, type: string, bytes: Buffer): StoredFile => ({
  id: `${digit.repeat(8)}-1111-4222-8333-444444444444`,
  type,
  bytes,
});

/** The files that the fixtures' Dify keeps, with the Content-Type under which it serves them. */
export const FILES = {
  png: stored('a', 'image/png', PNG),
  jpeg: stored('b', 'image/png', JPEG),
  pdf: stored('c', 'application/pdf', PDF),
  wav: stored('d', 'application/octet-stream', WAV),
  text: stored('e', 'text/plain', Buffer.from('ein Täxt\n')),
  unknown: stored('f', 'application/octet-stream', Buffer.from([0, 1, 2, 3, 255])),
  large: stored('1', 'text/plain', Buffer.alloc(9000, 'x')),
  upload: stored('2', 'image/png', PNG),
  damaged: stored('3', 'image/png', PNG.subarray(0, 33)),
  spreadsheet: stored('4', 'text/csv', Buffer.from('\ufeffName,Größe\n', 'utf16le')),
} as const;

/** An id that Dify has no file for. */
export const GONE = '99999999-1111-4222-8333-444444444444';

/** Dify's answer to a request for a file whose signature holds. */
export function fileAnswer(id: string): ScriptedAnswer {
  const found = Object.values(FILES).find((file) => file.id === id);
  const version = { 'x-version': '1.12.1' };
  if (found === undefined) return { status: 415, headers: version, body: '{}' };
  const { type, bytes } = found;
  const described = { 'content-type': type, 'content-length': String(bytes.length) };
  return { headers: { ...version, ...described }, body: bytes };
}

/** Dify's unsigned link to a ToolFile. */
export const linkTo = ({ id }: StoredFile, extension: string): string => `/files/tools/${id}.${extension}`;

/** `meta.file` as Dify serialises a file of a workflow, without a link. */
export function fileFields(file: StoredFile, filename: string, more: Record<string, unknown> = {}) {
  const { id, type, bytes } = file;
  const extension = filename.slice(filename.lastIndexOf('.'));
  return {
    dify_model_identity: '__dify__file__',
    id: null,
    tenant_id: '7d0c3c8e-5b1f-4c55-9d0a-2f4f5f0b6a11',
    type: type.startsWith('image/') ? 'image' : 'document',
    transfer_method: 'tool_file',
    remote_url: null,
    related_id: id,
    filename,
    extension,
    mime_type: type,
    size: bytes.length,
    ...more,
  };
}

const uriOf = (name: string): string => `dify-file://ID/${encodeURIComponent(name)}`;

/** A type as people know it, if it is known, and the size. */
const facts = (type: string, size: number): string => {
  const name = TYPE_NAMES[type];
  return name === undefined ? `${size} bytes` : `${name}, ${size} bytes`;
};

/** The line that names a file that follows. */
export const line = (name: string, type: string, size: number, how = 'shown below') =>
  said(`${name} (${facts(type, size)}), ${how}, kept 24 h: ${uriOf(name)}`);

/** The line that names a file that the bridge keeps, and the link to it. */
export const kept = (name: string, type: string, size: number) => [
  said(`${name} (${facts(type, size)}), kept 24 h: ${uriOf(name)}`),
  { type: 'resource_link', uri: uriOf(name), name, mimeType: type, size },
];

export const image = (bytes: Buffer, mimeType: string) => ({
  type: 'image',
  data: bytes.toString('base64'),
  mimeType,
});

export const audio = (bytes: Buffer, mimeType: string) => ({ ...image(bytes, mimeType), type: 'audio' });

/** A text file within a result. */
export const resource = (name: string, mimeType: string, text: string) => ({
  type: 'resource',
  resource: { uri: uriOf(name), mimeType, text },
});

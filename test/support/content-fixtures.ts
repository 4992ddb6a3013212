import type { CallObserver } from '../../src/model/call.ts';
import type { ContentBlock, ResultLimits, ToolResult } from '../../src/model/content.ts';
import { asBridgeError, BridgeError } from '../../src/model/errors.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { type Logger, silentLogger } from '../../src/model/logger.ts';
import type { FileReference, ToolInvokeMessage } from '../../src/model/message.ts';
import type { FileOpener, OpenedFile } from '../../src/model/ports.ts';
import type { PublishedTool } from '../../src/model/registry.ts';
import type { FileAccessOf, FileStore } from '../../src/model/stored-file.ts';
import { ToolResults } from '../../src/content/tool-result.ts';
import { createMemoryBackend } from '../../src/files/backends/memory.ts';
import { createFileStore } from '../../src/files/file-store.ts';
import { SAMPLES } from '../../src/sandbox/samples.ts';
import { aTool } from './published-tool.ts';
export { aTool } from './published-tool.ts';

/** A picture of one pixel. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
export const JPEG = Buffer.from(SAMPLES['jpeg']?.().bytes ?? []);
export const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
export const WEBP = Buffer.from('UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==', 'base64');
export const WAV = Buffer.concat([
  Buffer.from('RIFF'),
  Buffer.from([36, 0, 0, 0]),
  Buffer.from('WAVEfmt '),
  Buffer.alloc(28),
]);
export const PDF = Buffer.concat([Buffer.from('%PDF-1.4\n'), Buffer.from([0xe2, 0xe3, 0xcf, 0xd3])]);
export const FILE_ID = '0f0f0f0f-1111-4222-8333-444444444444';
export const FILE_LINK = `/files/tools/${FILE_ID}.png`;
export const SIGNED_LINK = `http://dify.test${FILE_LINK}?timestamp=1&nonce=fake&sign=FAKE-SIGNATURE`;

/** How a line about a file calls its type. */
export const TYPE_NAMES: Readonly<Record<string, string>> = {
  'application/json': 'JSON',
  'audio/mpeg': 'MP3',
  'audio/wav': 'WAV',
  'application/pdf': 'PDF',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'DOCX',
  'application/xml': 'XML',
  'application/zip': 'ZIP',
  'image/gif': 'GIF',
  'image/jpeg': 'JPG',
  'image/png': 'PNG',
  'image/svg+xml': 'SVG',
  'image/webp': 'WEBP',
  'text/csv': 'CSV',
  'text/html': 'HTML',
  'text/javascript': 'JS',
  'text/markdown': 'MD',
  'text/plain': 'TXT',
};

/** A file object as Dify puts it into outputs. */
export function difyFile(extra: JsonObject = {}): JsonObject {
  return {
    dify_model_identity: '__dify__file__',
    id: null,
    tenant_id: 'aaaaaaaa-0000-4000-8000-000000000000',
    type: 'image',
    transfer_method: 'tool_file',
    remote_url: null,
    related_id: FILE_ID,
    filename: 'p.png',
    extension: '.png',
    mime_type: 'image/png',
    size: 70,
    url: SIGNED_LINK,
    tool_file_id: FILE_ID,
    ...extra,
  };
}

export const text = (value: string): ToolInvokeMessage => ({ type: 'text', text: value });
export const json = (value: Json): ToolInvokeMessage => ({ type: 'json', value });
export const variable = (name: string, value: Json, stream = false): ToolInvokeMessage => ({
  type: 'variable',
  name,
  value,
  stream,
});
export const file = (reference: FileReference): ToolInvokeMessage => ({ type: 'file', file: reference });

export async function* streamOf(
  messages: readonly ToolInvokeMessage[],
  error?: unknown,
): AsyncGenerator<ToolInvokeMessage> {
  yield* messages;
  if (error !== undefined) throw error;
}

/** What a server has: bytes that come in pieces, with what it says of them. */
export interface Served {
  readonly bytes: Uint8Array;
  readonly mimeType?: string;
  readonly size?: number;
}

type Answer = Served | Exclude<OpenedFile, { kind: 'open' }>;

export interface TestOpener extends FileOpener {
  readonly opened: FileReference[];
  /** Files that are open at this moment. */
  readonly stillOpen: () => number;
  /** Bytes handed out so far. */
  readonly read: () => number;
}

const PIECE = 4096;

/** Serves the same answer for every file, or one chosen by the reference. */
export function openerOf(answer: Answer | ((file: FileReference) => Answer)): TestOpener {
  const opened: FileReference[] = [];
  let open = 0;
  let read = 0;
  return {
    opened,
    stillOpen: () => open,
    read: () => read,
    isSignedLink: (link) => /^\s*\S*\/files\/\S*[?&]sign=\S*\s*$/.test(link),
    open: async (reference) => {
      opened.push(reference);
      const served = typeof answer === 'function' ? answer(reference) : answer;
      if ('kind' in served) return served;
      open += 1;
      let closed = false;
      const { bytes: content, ...about } = served;
      return {
        kind: 'open',
        ...about,
        body: (async function* () {
          for (let at = 0; at < content.length; at += PIECE) {
            const piece = content.subarray(at, at + PIECE);
            read += piece.length;
            yield piece;
          }
        })(),
        discard: async () => {
          if (!closed) open -= 1;
          closed = true;
        },
      };
    },
  };
}

export const bytes = (content: Uint8Array, mimeType?: string): Served => ({
  bytes: content,
  ...(mimeType === undefined ? {} : { mimeType }),
});

export const LIMITS: ResultLimits = {
  maxInlineBytes: 1_000_000,
  maxTextChars: 100_000,
};

export const PRINCIPAL = 'somebody';

/** A store in memory. */
export function memoryStore(maxBytes = 50_000_000): FileStore {
  return createFileStore({
    backend: createMemoryBackend(),
    maxBytes,
    ttlMs: 24 * 3_600_000,
    logger: silentLogger,
  });
}

export interface ConvertOptions {
  readonly opener?: FileOpener;
  readonly store?: FileStore;
  readonly accessOf?: FileAccessOf;
  readonly limits?: Partial<ResultLimits>;
  readonly maxOutputBytes?: number;
  readonly logger?: Logger;
  readonly tool?: PublishedTool;
  readonly signal?: AbortSignal;
  readonly observer?: CallObserver;
  readonly error?: unknown;
}

/** The result of these messages, by the room's own entry. */
export function convert(
  messages: readonly ToolInvokeMessage[],
  options: ConvertOptions = {},
): Promise<ToolResult> {
  return convertStream(streamOf(messages, options.error), options);
}

export async function convertStream(
  messages: AsyncIterable<ToolInvokeMessage>,
  options: ConvertOptions = {},
): Promise<ToolResult> {
  const results = new ToolResults({
    opener: options.opener ?? openerOf({ kind: 'unavailable', reason: 'No key signs it.' }),
    store: options.store ?? memoryStore(),
    accessOf: options.accessOf ?? (async ({ uri }) => ({ uri })),
    maxOutputBytes: options.maxOutputBytes ?? 10_000_000,
    logger: options.logger ?? silentLogger,
  });
  const result = results.begin({
    tool: options.tool ?? aTool(),
    principal: PRINCIPAL,
    limits: { ...LIMITS, ...options.limits },
    signal: options.signal ?? new AbortController().signal,
    observer: options.observer,
  });
  try {
    for await (const message of messages) result.add(message);
  } catch (error) {
    result.fail(asBridgeError(error));
  }
  return result.end();
}

/** A result with the address of the n-th kept file written as `FILE<n>`. */
export function withoutIds<T>(result: T): T {
  const ids = new Map<string, string>();
  const text = JSON.stringify(result).replaceAll(/dify-file:\/\/[0-9a-z]{25}/g, (uri) => {
    if (!ids.has(uri)) ids.set(uri, `FILE${ids.size + 1}`);
    return ids.get(uri) as string;
  });
  return JSON.parse(text) as T;
}

export function textsOf(result: ToolResult): string[] {
  return result.content.flatMap((block: ContentBlock) => (block.type === 'text' ? [block.text] : []));
}

export const toolFailed = new BridgeError('tool_failed', 'Dify said: kaput', {
  hint: 'Change the arguments.',
});

/** Keeps log lines. */
export function recordingLogger(): Logger & {
  readonly lines: { level: string; message: string; fields: unknown }[];
} {
  const lines: { level: string; message: string; fields: unknown }[] = [];
  const at =
    (level: string): Logger['info'] =>
    (message, fields) => {
      lines.push({ level, message, fields });
    };
  const logger = {
    lines,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return logger;
}

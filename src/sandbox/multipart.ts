/** A form's part that contains a file. Read its bytes to the end. */
export interface FilePart {
  readonly filename: string;
  /** Without parameters. */
  readonly mimeType: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** The longest head of a part. */
const MAX_HEAD = 16 * 1024;

/**
 * Returns the first part of a multipart form if its name is `file`, with its bytes as they arrive;
 * otherwise undefined. Discards everything after that part.
 */
export async function readFilePart(
  body: AsyncIterable<Uint8Array>,
  contentType: string,
): Promise<FilePart | undefined> {
  const [, quoted, plain] =
    /^multipart\/form-data;.*\bboundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  const chunks = body[Symbol.asyncIterator]();
  if (boundary === undefined) {
    await drain(chunks);
    return undefined;
  }
  let pending = Buffer.from('\r\n');
  let end = -1;
  while (end === -1 && pending.length < MAX_HEAD) {
    const next = await chunks.next();
    if (next.done === true) return undefined;
    pending = Buffer.concat([pending, next.value]);
    end = pending.indexOf('\r\n\r\n');
  }
  const head = pending.subarray(0, end).toString('utf8');
  const name = /;\s*name="([^"]*)"/i.exec(head)?.[1];
  const filename = /;\s*filename="([^"]*)"/i.exec(head)?.[1];
  if (end === -1 || name !== 'file' || filename === undefined || !head.startsWith(`\r\n--${boundary}`)) {
    await drain(chunks);
    return undefined;
  }
  const mimeType = /^content-type:\s*([^\s;]+)/im.exec(head)?.[1] ?? '';
  return { filename, mimeType, bytes: untilBoundary(chunks, pending.subarray(end + 4), boundary) };
}

/** Yields the bytes before the next boundary, which chunks may cut anywhere. Throws if none follows. */
async function* untilBoundary(
  chunks: AsyncIterator<Uint8Array>,
  first: Buffer,
  boundary: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  let pending = first;
  for (;;) {
    const end = pending.indexOf(delimiter);
    if (end !== -1) {
      yield pending.subarray(0, end);
      await drain(chunks);
      return;
    }
    const sure = pending.length - delimiter.length;
    if (sure > 0) {
      yield pending.subarray(0, sure);
      pending = pending.subarray(sure);
    }
    const next = await chunks.next();
    if (next.done === true) throw new Error('The form ended in the middle of a file.');
    pending = Buffer.concat([pending, next.value]);
  }
}

async function drain(chunks: AsyncIterator<Uint8Array>): Promise<void> {
  while ((await chunks.next()).done !== true);
}

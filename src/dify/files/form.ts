import { randomBytes } from 'node:crypto';
import { BridgeError } from '../../model/errors.ts';
import type { FileUpload } from '../../model/ports.ts';

/**
 * Encodes a multipart form with one part named `file`, of known length, as its bytes arrive. Name and type must not
 * contain quotes or line breaks: they are written unescaped, because Dify signs them that way. Throws `file_refused`
 * while reading if the number of bytes is not the announced one.
 */
export function encodeForm(file: FileUpload): {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
} {
  const boundary = `bridge-${randomBytes(16).toString('hex')}`;
  const head = Buffer.from(
    `--${boundary}\r\n` +
      `Content-Disposition: form-data; name="file"; filename="${file.filename}"\r\n` +
      `Content-Type: ${file.mimeType}\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return {
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': String(head.length + file.size + tail.length),
    },
    body: parts(file, head, tail),
  };
}

async function* parts(file: FileUpload, head: Uint8Array, tail: Uint8Array): AsyncGenerator<Uint8Array> {
  yield head;
  let left = file.size;
  for await (const chunk of file.read()) {
    left -= chunk.length;
    if (left < 0) break;
    yield chunk;
  }
  if (left !== 0) {
    throw new BridgeError('file_refused', 'The file changed while the bridge read it.', {
      hint: 'Call again when no program is writing to it.',
    });
  }
  yield tail;
}

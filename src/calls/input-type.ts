import { declaredType, detectMediaType, type TypeHints } from '../content/media-type.ts';
import { extensionOfType, typeOfName, UNKNOWN_TYPE } from '../model/media-types.ts';
import type { InputFile } from '../model/ports.ts';

/** The number of bytes from which the type is detected. */
const HEAD_BYTES = 64 * 1024;

/**
 * Resolves with the name and type under which a file is sent to Dify. If the bytes identify the type, they decide. For
 * text, the extension decides, then the `declared` types: the caller's, then the source's, unless text contradicts
 * them. Dify goes by extensions first, so a name without one, or with one that contradicts the bytes, gets the extension
 * of the type.
 */
export async function nameAndType(
  file: Pick<InputFile, 'size' | 'read'>,
  { filename, declared }: TypeHints,
): Promise<{ readonly filename: string; readonly mimeType: string }> {
  const head = await headOf(file);
  const isWhole = head.length === file.size;
  const name = lastSegment(filename);
  const byName = typeOfName(name);
  const typeOf = (...hints: readonly (string | undefined)[]) =>
    detectMediaType(head, { declared: hints, filename: '' }, isWhole);

  const bare = await typeOf();
  let { mimeType } = bare;
  if (bare.text === undefined) {
    ({ mimeType } = await typeOf(byName, ...declared));
  } else {
    for (const candidate of [byName, ...declared]) {
      const type = declaredType({ declared: [candidate], filename: '' });
      if (type === undefined || (await typeOf(type)).mimeType !== type) continue;
      mimeType = type;
      break;
    }
  }
  return { filename: withExtension(name, byName, mimeType), mimeType };
}

function withExtension(name: string, byName: string | undefined, mimeType: string): string {
  const extension = mimeType === UNKNOWN_TYPE ? undefined : extensionOfType(mimeType);
  const isContradicted = byName !== undefined && majorOf(byName) !== majorOf(mimeType);
  const isMissing = !/[^.]\.[^.\s]+$/.test(name);
  return extension !== undefined && (isMissing || isContradicted) ? `${name}${extension}` : name;
}

/** Returns the kind of a type, such as `image` for `image/png`. Textual types outside `text/` count as `text`. */
function majorOf(mimeType: string): string {
  return /[/+](json|xml|yaml)$/.test(mimeType) ? 'text' : (mimeType.split('/', 1)[0] ?? '');
}

function lastSegment(filename: string): string {
  const name = filename.split(/[/\\]/).at(-1)?.trim() ?? '';
  return name === '' ? 'file' : name;
}

async function headOf(file: Pick<InputFile, 'read'>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of file.read()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= HEAD_BYTES) break;
  }
  return Buffer.concat(chunks, Math.min(size, HEAD_BYTES));
}

import { detectMediaType, type TypeHints } from '../content/media-type.ts';
import { extensionOfType, typeOfName, UNKNOWN_TYPE } from '../model/media-types.ts';
import type { InputFile } from '../model/ports.ts';

/** Bytes of a file that decide its type. */
const HEAD_BYTES = 64 * 1024;

/**
 * Name and type under which a file goes to Dify. The bytes decide where they can; the kind of a text follows from the
 * extension, then from the types that were `declared`: by the caller, then by the source. Dify goes by extensions first,
 * so a name without one, or with one that the bytes contradict, gets the one of its type.
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
      const found = candidate === undefined ? undefined : await typeOf(candidate);
      if (found?.text === undefined) continue;
      ({ mimeType } = found);
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

/** `image` of `image/png`; textual types outside `text/` count as text. */
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

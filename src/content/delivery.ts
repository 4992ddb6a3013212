import type { ResultLimits } from '../model/content.ts';
import type { FileReference } from '../model/message.ts';
import type { FileOpener, OpenedFile } from '../model/ports.ts';
import { openDataUrl } from './data-url.ts';
import { fileName } from './file-name.ts';
import { maxSingleBytes, type Overflow, type Turn } from './inline-budget.ts';
import { declaredType, detectMediaType, inlineForm, type MediaType, type TypeHints } from './media-type.ts';
import { Peekable } from './peekable.ts';
import { flawOf, type PictureFlaw } from './picture.ts';
import type { AccessibleFile, ResultStore } from './result-store.ts';

/** The outcome for one file of a result. Sizes are in bytes. */
export type Delivery =
  /** Contained in the result; also stored if the store accepts it, so that a later call can use it. */
  | {
      readonly kind: 'image' | 'audio';
      readonly mimeType: string;
      readonly bytes: Uint8Array;
      readonly stored?: AccessibleFile | undefined;
    }
  | {
      readonly kind: 'text';
      readonly mimeType: string;
      readonly text: string;
      readonly size: number;
      readonly stored?: AccessibleFile | undefined;
    }
  | { readonly kind: 'empty'; readonly mimeType: string }
  /** Linked to from the result. `left` says which form the result could have shown, and why it does not. */
  | {
      readonly kind: 'stored';
      readonly mimeType: string;
      readonly stored: AccessibleFile;
      readonly left?: { readonly form: InlineForm; readonly because: Overflow | PictureFlaw } | undefined;
    }
  /** Fetched, but refused by the store. */
  | {
      readonly kind: 'not-stored';
      readonly mimeType: string;
      readonly size?: number | undefined;
      readonly reason: string;
    }
  | { readonly kind: 'too-large'; readonly mimeType?: string | undefined; readonly size?: number | undefined }
  | { readonly kind: 'external' }
  | { readonly kind: 'unavailable'; readonly reason: string };

type InlineForm = NonNullable<ReturnType<typeof inlineForm>>;

export interface DeliveryOptions {
  readonly opener: FileOpener;
  readonly store: ResultStore;
  readonly limits: ResultLimits;
}

/** Bytes that suffice to detect the type, even of documents that are ZIP archives. */
const HEAD_BYTES = 16 * 1024;
/** The most bytes that a UTF-16 code unit takes in UTF-8. */
const BYTES_PER_CHARACTER = 3;

/**
 * Fetches one file. Reads its beginning, then reads the file into memory if the result can show it and has space for
 * it, otherwise streams it into the store. Never holds more of it in memory than a result may contain.
 */
export async function deliver(
  file: FileReference,
  turn: Turn,
  options: DeliveryOptions,
  signal: AbortSignal,
): Promise<Delivery> {
  const { maxBytes } = options.store;
  const filename = fileName(file);
  const tooLarge = (size: number, served?: string): Delivery => {
    const mimeType = declaredType({ declared: [file.mimeType, served], filename });
    return { kind: 'too-large', size, mimeType };
  };
  if (file.size !== undefined && file.size > maxBytes) return tooLarge(file.size);
  const opened = await open(file, options.opener, signal);
  if (opened.kind !== 'open') return opened;
  const { size, mimeType } = opened;
  try {
    if (size !== undefined && size > maxBytes) return tooLarge(size, mimeType);
    const hints = { declared: [file.mimeType, mimeType], filename };
    return await receive(file, new Peekable(opened.body), hints, size, turn, options);
  } finally {
    await opened.discard();
  }
}

async function open(file: FileReference, opener: FileOpener, signal: AbortSignal): Promise<OpenedFile> {
  if (!/^\s*data:/i.test(file.url ?? '')) return opener.open(file, signal);
  const reason = 'Its data: address cannot be decoded.';
  return openDataUrl(file.url ?? '') ?? { kind: 'unavailable', reason };
}

async function receive(
  file: FileReference,
  source: Peekable,
  hints: TypeHints,
  announced: number | undefined,
  turn: Turn,
  { store, limits }: DeliveryOptions,
): Promise<Delivery> {
  await source.fill(HEAD_BYTES);
  let type = await detectMediaType(source.head(), hints, source.ended);
  const expected = formOf(type, limits);
  const limit = expected === undefined ? 0 : largest(expected, limits);
  // If the file cannot fit, only its head is read into memory.
  if (expected !== undefined && (announced === undefined || announced <= limit)) {
    await source.fill(limit + 1);
    if (source.ended && source.length > HEAD_BYTES) type = await detectMediaType(source.head(), hints);
  }
  const { mimeType } = type;
  if (source.ended && source.length === 0) return { kind: 'empty', mimeType };

  const about = { name: fileName(file, { mimeType }), mimeType };
  const form = formOf(type, limits);
  const because = form === undefined ? undefined : await reasonAgainst(form, source, type, turn, limits);
  turn.pass();
  if (form !== undefined && because === undefined) {
    const bytes = source.head();
    const outcome = await store.put(source.all(), about);
    const stored = outcome.kind === 'stored' ? outcome.stored : undefined;
    return form === 'text'
      ? { kind: form, mimeType, text: type.text ?? '', size: bytes.length, stored }
      : { kind: form, mimeType, bytes, stored };
  }
  const size = source.ended ? source.length : announced;
  const outcome = await store.put(source.all(), about);
  if (outcome.kind !== 'stored') return { ...outcome, mimeType, size };
  return { ...outcome, mimeType, left: form && because && { form, because } };
}

/** Returns the form in which a result contains a file; undefined if it only links to it. */
function formOf(type: MediaType, { sounds }: ResultLimits): InlineForm | undefined {
  const form = inlineForm(type);
  return form === 'audio' && sounds === 'link' ? undefined : form;
}

/** Resolves with why the result cannot show the file; if it can, an image or sound takes its part of the budget. */
async function reasonAgainst(
  form: InlineForm,
  source: Peekable,
  { mimeType, text = '' }: MediaType,
  turn: Turn,
  { maxTextChars }: ResultLimits,
): Promise<Overflow | PictureFlaw | undefined> {
  if (!source.ended) return 'alone';
  if (form === 'text') return text.length > maxTextChars ? 'alone' : undefined;
  const flaw = form === 'image' ? await flawOf(source.head(), mimeType) : undefined;
  return flaw ?? turn.claim(source.length);
}

/** Returns the size of the largest file of a form that a result can contain, in bytes. */
function largest(form: InlineForm, limits: ResultLimits): number {
  if (form === 'text') return limits.maxTextChars * BYTES_PER_CHARACTER;
  return maxSingleBytes(limits);
}

import type { ResultLimits } from '../model/content.ts';
import type { FileReference } from '../model/message.ts';
import type { FileOpener } from '../model/ports.ts';
import { fileName } from './file-names.ts';
import type { Overflow, Turn } from './inline-budget.ts';
import type { Keeper, KeptFile } from './keeper.ts';
import { declaredType, detectMediaType, inlineForm, type TypeHints } from './media-type.ts';
import { type Peekable, peekable } from './peekable.ts';

/** What became of one file of a result. Sizes are bytes. */
export type Delivery =
  /** It stands in the result; also kept, where the store takes it, so that a later call can be given it. */
  | {
      readonly kind: 'image' | 'audio';
      readonly mimeType: string;
      readonly bytes: Uint8Array;
      readonly kept?: KeptFile;
    }
  | {
      readonly kind: 'text';
      readonly mimeType: string;
      readonly text: string;
      readonly size: number;
      readonly kept?: KeptFile;
    }
  | { readonly kind: 'empty'; readonly mimeType: string }
  /** The result links to it. `left` says what was left out of the result, and why. */
  | {
      readonly kind: 'kept';
      readonly mimeType: string;
      readonly kept: KeptFile;
      readonly left?: { readonly form: 'image' | 'audio' | 'text'; readonly because: Overflow };
    }
  /** It was there, but the bridge has nowhere to keep it. */
  | {
      readonly kind: 'not-kept';
      readonly mimeType: string;
      readonly size?: number;
      readonly reason: string;
    }
  | { readonly kind: 'too-large'; readonly mimeType?: string; readonly size?: number }
  | { readonly kind: 'external' }
  | { readonly kind: 'unavailable'; readonly reason: string };

export interface DeliveryOptions {
  readonly opener: FileOpener;
  readonly keeper: Keeper;
  readonly limits: ResultLimits;
}

/** Enough of a file to tell its type, also of documents that are ZIP archives. */
const HEAD_BYTES = 16 * 1024;
/** Bytes that a UTF-16 code unit takes in UTF-8 at most. */
const BYTES_PER_CHARACTER = 3;

/**
 * Brings one file: reads its beginning, then either all of it into memory, where a result can show it and has room
 * for it, or all of it into the store as it arrives. At no time is more of it in memory than a result may carry.
 */
export async function deliver(
  file: FileReference,
  turn: Turn,
  options: DeliveryOptions,
  signal: AbortSignal,
): Promise<Delivery> {
  const { maxBytes } = options.keeper;
  if (file.size !== undefined && file.size > maxBytes) return tooLarge(file.size, declaredOf(file));
  const opened = await options.opener.open(file, signal);
  if (opened.kind !== 'open') return opened;
  try {
    if (opened.size !== undefined && opened.size > maxBytes) {
      return tooLarge(opened.size, declaredOf(file, opened.mimeType));
    }
    const hints = { declared: [file.mimeType, opened.mimeType], filename: fileName(file) };
    return await receive(peekable(opened.body), hints, opened.size, turn, options);
  } finally {
    await opened.discard();
  }
}

async function receive(
  source: Peekable,
  hints: TypeHints,
  announced: number | undefined,
  turn: Turn,
  { keeper, limits }: DeliveryOptions,
): Promise<Delivery> {
  await source.fill(HEAD_BYTES);
  let type = await detectMediaType(source.head(), hints, source.ended);
  const form = inlineForm(type);
  const limit = form === undefined ? 0 : largest(form, limits);
  // Of a file that cannot fit, no more than its head is held.
  if (form !== undefined && (announced === undefined || announced <= limit)) {
    await source.fill(limit + 1);
    if (source.ended && source.length > HEAD_BYTES) type = await detectMediaType(source.head(), hints);
  }
  const { mimeType, text } = type;
  if (source.ended && source.length === 0) return { kind: 'empty', mimeType };

  const about = { name: hints.filename, mimeType };
  const finalForm = inlineForm(type);
  const left = finalForm === undefined ? undefined : await overflow(finalForm, source, text, turn, limits);
  turn.pass();
  if (finalForm !== undefined && left === undefined) {
    const bytes = source.head();
    const keeping = await keeper.keep(source.all(), about);
    const kept = keeping.kind === 'kept' ? { kept: keeping.kept } : {};
    return finalForm === 'text'
      ? { kind: 'text', mimeType, text: text ?? '', size: bytes.length, ...kept }
      : { kind: finalForm, mimeType, bytes, ...kept };
  }
  const size = source.ended ? source.length : announced;
  const keeping = await keeper.keep(source.all(), about);
  if (keeping.kind === 'too-large') return tooLarge(size, mimeType);
  if (keeping.kind === 'not-kept') return { ...keeping, mimeType, ...(size !== undefined && { size }) };
  return {
    ...keeping,
    mimeType,
    ...(finalForm !== undefined && left !== undefined && { left: { form: finalForm, because: left } }),
  };
}

/** Why the file cannot be part of the result. An image or a sound that can be takes its share of the budget. */
async function overflow(
  form: 'image' | 'audio' | 'text',
  source: Peekable,
  text: string | undefined,
  turn: Turn,
  { maxTextChars }: ResultLimits,
): Promise<Overflow | undefined> {
  if (!source.ended) return 'alone';
  if (form !== 'text') return turn.claim(source.length);
  return (text ?? '').length > maxTextChars ? 'alone' : undefined;
}

/** Bytes of the largest file of a form that a result can carry. */
function largest(form: 'image' | 'audio' | 'text', limits: ResultLimits): number {
  if (form === 'text') return limits.maxTextChars * BYTES_PER_CHARACTER;
  return Math.min(limits.maxImageBytes, limits.maxInlineBytes);
}

function declaredOf(file: FileReference, served?: string): string | undefined {
  return declaredType({ declared: [file.mimeType, served], filename: fileName(file) });
}

function tooLarge(size: number | undefined, mimeType: string | undefined): Delivery {
  return {
    kind: 'too-large',
    ...(size !== undefined && { size }),
    ...(mimeType !== undefined && { mimeType }),
  };
}

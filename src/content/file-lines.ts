import { formatSize } from '../model/format-size.ts';
import type { ResultLimits } from '../model/content.ts';
import { cutText } from '../model/cut-text.ts';
import { extensionOfType, UNKNOWN_TYPE } from '../model/media-types.ts';
import type { FileReference } from '../model/message.ts';
import type { Delivery } from './delivery.ts';
import { fileName } from './file-name.ts';
import { maxSingleBytes } from './inline-budget.ts';
import { declaredType } from './media-type.ts';
import { MAX_SIDE } from './picture.ts';
import type { AccessibleFile } from './result-store.ts';

/** The longest list of file names, in characters. */
const MAX_NAMES_LENGTH = 2000;
const FORMS = { image: 'shown below', audio: 'attached below', text: 'text below' } as const;

/** Returns one line with a file's name, type and size, and how to get it. The store takes files of up to `maxBytes`. */
export function describeFile(
  file: FileReference,
  delivery: Delivery,
  { limits, maxBytes }: { readonly limits: ResultLimits; readonly maxBytes: number },
): string {
  const name = fileName(file, delivery);
  const facts = (mimeType: string | undefined, size: number | undefined): string => {
    const known = [typeName(mimeType), size === undefined ? undefined : formatSize(size)];
    const words = known.filter((word) => word !== undefined).join(', ');
    return words === '' ? name : `${name} (${words})`;
  };
  const declared = declaredType({ declared: [file.mimeType], filename: name });
  switch (delivery.kind) {
    case 'image':
    case 'audio':
    case 'text': {
      const size = delivery.kind === 'text' ? delivery.size : delivery.bytes.length;
      const shown = `${facts(delivery.mimeType, size)}, ${FORMS[delivery.kind]}`;
      if (delivery.stored === undefined) return `${shown}.`;
      const { file: stored, access } = delivery.stored;
      return `${shown}, kept ${lifetime(stored)}: ${access.uri}`;
    }
    case 'empty':
      return `${facts(delivery.mimeType, 0)} is empty.`;
    case 'stored': {
      const { stored, left } = delivery;
      const about = facts(delivery.mimeType, stored.file.size);
      if (left === undefined) return `${about}, ${whereStored(stored)}`;
      return `${about}, not shown (${whyLeft(left, limits)}), ${whereStored(stored)}`;
    }
    case 'not-stored':
      return `${facts(delivery.mimeType, delivery.size)} was not included: the result cannot contain it, and it could not be stored. ${delivery.reason} Open it in Dify.`;
    case 'too-large': {
      const about = facts(delivery.mimeType ?? declared, delivery.size ?? file.size);
      return `${about} was not included: the limit for one file is ${formatSize(maxBytes)}. Ask the tool for a smaller file, or open it in Dify.`;
    }
    case 'external':
      return `${facts(declared, undefined)} is on another server and was not fetched: ${shownAddress(file.url ?? '')}`;
  }
  return `${facts(declared, file.size)} could not be fetched. ${delivery.reason}`;
}

/** Returns one line for all files beyond the `max` that a result may contain. */
export function describePassedOver(names: readonly string[], max: number): string {
  const were = names.length === 1 ? 'file was' : 'files were';
  const listed = cutText(names.join(', '), MAX_NAMES_LENGTH);
  return `${formatCount(names.length)} more ${were} not included, because a result contains at most ${max}: ${listed}. Ask the tool for fewer files at a time, or open them in Dify.`;
}

/** Returns how long a file is kept and where, as the end of a line about it. No comma follows an address. */
export function whereStored({ file, access }: AccessibleFile): string {
  const places = [access.uri, access.url, access.path].filter((place) => place !== undefined);
  return `kept ${lifetime(file)}: ${places.join(' or ')}`;
}

function whyLeft(
  { form, because }: NonNullable<Extract<Delivery, { kind: 'stored' }>['left']>,
  limits: ResultLimits,
): string {
  if (because === 'damaged') return 'the picture is damaged or incomplete';
  if (typeof because === 'object') {
    const { width, height } = because;
    return `${formatCount(width)} × ${formatCount(height)} pixels, and models take at most ${formatCount(MAX_SIDE)} a side`;
  }
  if (form === 'text') {
    const total = because === 'alone' ? '' : ' in total';
    return `a result contains at most ${formatCount(limits.maxTextChars)} characters${total}`;
  }
  return because === 'alone'
    ? `the limit for one ${form === 'image' ? 'image' : 'sound'} is ${formatSize(maxSingleBytes(limits))}`
    : `the limit for all images and sounds is ${formatSize(limits.maxInlineBytes)}`;
}

/** Returns the time from storing to expiry: `24 h`, `90 min`. */
function lifetime({ createdAt, expiresAt }: AccessibleFile['file']): string {
  const minutes = Math.max(1, Math.round((expiresAt.getTime() - createdAt.getTime()) / 60_000));
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`;
}

/** Returns a type by its usual extension, which people know: `DOCX`. Undefined for an unknown type. */
function typeName(mimeType: string | undefined): string | undefined {
  if (mimeType === undefined || mimeType === UNKNOWN_TYPE) return undefined;
  return extensionOfType(mimeType)?.slice(1).toUpperCase() ?? mimeType;
}

/** Returns an address for display, without the signature of a Dify link. */
function shownAddress(url: string): string {
  const query = url.indexOf('?');
  const isSigned = query > 0 && url.slice(0, query).includes('/files/') && /[?&]sign=/.test(url.slice(query));
  return isSigned ? url.slice(0, query) : url;
}

/** Formats a number with thousands separators. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

import { createHash, type Hash } from 'node:crypto';
import type { CatalogListing } from '../../model/ports.ts';
import type { ProviderType } from '../../model/tool.ts';
import { jsonItems } from './json-items.ts';
import { type ProviderReading, toListing, toToolProvider } from './wire-catalog.ts';

/** What was listed last. */
interface Listed {
  /** Of the whole list. */
  readonly digest: string;
  readonly readings: readonly ProviderReading[];
  /** By the digest of its JSON. */
  readonly byDigest: ReadonlyMap<string, ProviderReading>;
  readonly listing: CatalogListing;
}

type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Reads a list of providers of one type; `reject` throws when the body is not `a list`, or not `JSON`. */
export type ProviderListReader = (
  type: ProviderType,
  body: AsyncIterable<Uint8Array>,
  reject: (expected: string) => never,
) => Promise<CatalogListing>;

/**
 * Reads lists again and again: thousands of tools are many megabytes of JSON, mostly the same as before. The first
 * time each provider is read as it arrives, so that the list is never held as a whole. Later a list that has not
 * changed is not even parsed, it is the very listing of before; and so is, in one that has, each provider that has
 * not.
 */
export function createProviderListReader(): ProviderListReader {
  const listed = new Map<ProviderType, Listed>();

  return async (type, body, reject) => {
    const before = listed.get(type);
    const hash = createHash('sha256');
    let chunks: Chunks = digesting(body, hash);
    if (before !== undefined) {
      chunks = await collect(chunks);
      if (hash.copy().digest('base64') === before.digest) return before.listing;
    }

    const readings: ProviderReading[] = [];
    const byDigest = new Map<string, ProviderReading>();
    for await (const item of jsonItems(chunks, reject)) {
      const itemDigest = createHash('sha256').update(item).digest('base64');
      const reading =
        before?.byDigest.get(itemDigest) ?? toToolProvider(parse(item, reject), type, readings.length + 1);
      readings.push(reading);
      // One without an id is named by its place, which may be another the next time.
      if (reading.provider !== undefined) byDigest.set(itemDigest, reading);
    }
    const isSame =
      before?.readings.length === readings.length &&
      readings.every((reading, index) => reading === before.readings[index]);
    const listing = before !== undefined && isSame ? before.listing : toListing(readings, type);
    listed.set(type, { digest: hash.digest('base64'), readings, byDigest, listing });
    return listing;
  };
}

async function collect(body: Chunks): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks;
}

async function* digesting(body: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    hash.update(chunk);
    yield chunk;
  }
}

function parse(item: Buffer, reject: (expected: string) => never): unknown {
  try {
    return JSON.parse(item.toString('utf8'));
  } catch {
    return reject('JSON');
  }
}

import { abortable } from '../model/async.ts';
import { BridgeError } from '../model/errors.ts';
import { nameInAddress } from '../model/name-in-address.ts';
import type { FetchLimits, InputFile, RemoteFiles } from '../model/ports.ts';
import { nameInHeader } from './names.ts';
import { createNetworkPolicy } from './network-policy.ts';
import { fetchErrors as errors } from './fetch-errors.ts';
import { type Answer, get } from './request.ts';
import { allowedAddresses, type Resolver, systemResolver } from './resolve.ts';
import { writeTemporaryFile } from './temporary-file.ts';

export interface RemoteFilesOptions {
  readonly allowHttp: boolean;
  /** Host names and networks that may be private. */
  readonly allowedNetworks: readonly string[];
  /** Limit for a whole fetch, including redirects. */
  readonly timeoutMs: number;
  /** Longest time that a server may send nothing; 15 s when absent. */
  readonly idleMs?: number | undefined;
  readonly temporaryFolder: string;
  /** Resolves host names; the system's resolver when absent. */
  readonly resolver?: Resolver | undefined;
}

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const IDLE_MS = 15_000;

/** Returns a fetcher for callers who may be hostile: it checks each address and redirect before it connects. */
export function createRemoteFiles(options: RemoteFilesOptions): RemoteFiles {
  const {
    allowHttp,
    allowedNetworks,
    timeoutMs,
    idleMs = IDLE_MS,
    temporaryFolder,
    resolver = systemResolver,
  } = options;
  const policy = createNetworkPolicy(allowedNetworks);

  function checked(address: string, base?: URL): URL {
    if (!URL.canParse(address, base?.href))
      throw base === undefined ? errors.notAnAddress() : errors.badRedirect(base.host);
    const url = new URL(address, base);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw errors.notAnAddress();
    if (url.protocol === 'http:' && !allowHttp) throw errors.notSecure(url.host);
    if (url.username !== '' || url.password !== '') throw errors.hasCredentials(url.host);
    return url;
  }

  async function follow(address: string, watch: Watch): Promise<{ url: URL; answer: Answer }> {
    let url = checked(address);
    for (let redirects = 0; ; redirects += 1) {
      watch.host = url.host;
      const addresses = await abortable(allowedAddresses(url, policy, resolver), watch.signal);
      const answer = await get(url, addresses, watch.signal).catch((error: unknown) => {
        throw watch.signal.reason ?? errors.unreachable(url.host, error);
      });
      watch.heard();
      const { statusCode: status = 0, headers } = answer.message;
      if (!REDIRECTS.has(status)) return { url, answer };
      answer.close();
      if (redirects === MAX_REDIRECTS) throw errors.tooManyRedirects(url.host, MAX_REDIRECTS);
      if (headers.location === undefined) throw errors.badRedirect(url.host);
      url = checked(headers.location, url);
    }
  }

  return {
    async fetch(address, limits) {
      limits.signal.throwIfAborted();
      const watch = watchFetch(limits.signal, timeoutMs, idleMs);
      try {
        const { url, answer } = await follow(address, watch);
        try {
          return await take(url, answer, limits, watch, temporaryFolder);
        } finally {
          answer.close();
        }
      } finally {
        watch.release();
      }
    },
  };
}

async function take(
  url: URL,
  { message }: Answer,
  { maxBytes }: FetchLimits,
  watch: Watch,
  folder: string,
): Promise<InputFile> {
  const { statusCode: status = 0, headers } = message;
  if (status !== 200) throw errors.badStatus(url.host, status);
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity' && encoding !== '') throw errors.isEncoded(url.host);
  const declared = Number(headers['content-length'] ?? Number.NaN);
  if (declared > maxBytes) throw errors.isTooLarge(url.host, maxBytes, declared);

  async function* body(): AsyncGenerator<Uint8Array> {
    let size = 0;
    try {
      for await (const chunk of message as AsyncIterable<Buffer>) {
        watch.heard();
        size += chunk.length;
        if (size > maxBytes) throw errors.isTooLarge(url.host, maxBytes);
        yield chunk;
      }
      // Node reports a body that ends with its connection as complete, even if the fetch itself was
      // aborted.
      watch.signal.throwIfAborted();
    } catch (error) {
      if (error instanceof BridgeError) throw error;
      throw watch.signal.reason ?? errors.brokenOff(url.host, error);
    }
  }

  const temporary = await writeTemporaryFile(body(), folder);
  const mimeType = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  return {
    ...temporary,
    filename: nameInHeader(headers['content-disposition']) ?? nameInAddress(url.href),
    mimeType: mimeType === '' ? undefined : mimeType,
  };
}

/** What ends a fetch: its caller, its time limit, or a silent server. */
interface Watch {
  readonly signal: AbortSignal;
  /** The host that the fetch waits for. */
  host: string;
  /** Restarts the silence limit. */
  heard(): void;
  release(): void;
}

function watchFetch(caller: AbortSignal, timeoutMs: number, idleMs: number): Watch {
  const limits = new AbortController();
  const whole = setTimeout(() => limits.abort(errors.tooSlow(watch.host, timeoutMs)), timeoutMs);
  const idle = setTimeout(() => limits.abort(errors.isSilent(watch.host, idleMs)), idleMs);
  const watch: Watch = {
    signal: AbortSignal.any([caller, limits.signal]),
    host: '',
    heard: () => void idle.refresh(),
    release() {
      clearTimeout(whole);
      clearTimeout(idle);
    },
  };
  return watch;
}

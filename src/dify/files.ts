import { BridgeError } from '../model/errors.ts';
import type { FileReference } from '../model/message.ts';
import type { FetchedFile, FileFetcher } from '../model/ports.ts';
import { header, isWebPage } from './faults.ts';
import { type FileLink, isWebAddress, parseFileLink } from './file-links.ts';
import type { DifyAnswer, DifyHttp } from './http.ts';
import { signFileQuery } from './signature.ts';

/** How links are signed. */
export interface FileFetcherOptions {
  /** Dify's SECRET_KEY. Without it only links that Dify signed itself can be read. */
  readonly secretKey?: string;
  /** Milliseconds since 1970; the system's clock unless given. */
  readonly now?: () => number;
}

type Unavailable = Extract<FetchedFile, { kind: 'unavailable' }>;

const TIMEOUT_MS = 60_000;
const NO_KEY = 'set DIFY_SECRET_KEY to the SECRET_KEY of Dify so that the bridge can sign links itself.';

/**
 * Fetches the files that messages point at, through the bridge's own way to Dify: the host in a link is how Dify
 * calls itself, which often cannot be reached from here. A link that Dify signed is used as it is and, once refused,
 * signed afresh where there is a key.
 */
export function createFileFetcher(http: DifyHttp, options: FileFetcherOptions = {}): FileFetcher {
  const { secretKey, now = Date.now } = options;

  const download = async (
    path: string,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<FetchedFile | Refused> => {
    const answer = await http.send({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });
    return readFile(answer, maxBytes);
  };

  const fetchLink = async (link: FileLink, maxBytes: number, signal: AbortSignal): Promise<FetchedFile> => {
    if (link.signed) {
      const fetched = await download(link.path + link.query, maxBytes, signal);
      if (fetched.kind !== 'refused') return fetched;
      if (secretKey === undefined)
        return unavailable(`Dify no longer accepts its link to the file: ${NO_KEY}`);
    }
    if (secretKey === undefined) return unavailable(`Dify's link to the file is not signed: ${NO_KEY}`);
    const query = signFileQuery({ id: link.id, secretKey, timestamp: Math.floor(now() / 1000) });
    const fetched = await download(link.path + query, maxBytes, signal);
    return fetched.kind === 'refused' ? refusedSignature(link) : fetched;
  };

  return {
    async fetch(file, maxBytes, signal) {
      const link = linkOf(file);
      if (link === undefined) return withoutLink(file);
      const canFetch = link.signed || secretKey !== undefined;
      if (canFetch && file.size !== undefined && file.size > maxBytes) {
        return tooLarge(file.size, file.mimeType);
      }
      try {
        return await fetchLink(link, maxBytes, signal);
      } catch (error) {
        if (signal.aborted || !(error instanceof BridgeError)) throw error;
        return unavailable(error.message);
      }
    },
  };
}

/** The link in the reference, or the one that its id stands for: Dify sends files of workflows without any. */
function linkOf({ url, id, transferMethod }: FileReference): FileLink | undefined {
  const link = url === undefined ? undefined : parseFileLink(url);
  if (link !== undefined || id === undefined || url !== undefined) return link;
  if (transferMethod === 'tool_file') return parseFileLink(`/files/tools/${id}`);
  if (transferMethod === 'local_file') return parseFileLink(`/files/${id}/file-preview`);
  return undefined;
}

function withoutLink({ url }: FileReference): FetchedFile {
  if (url === undefined) return unavailable('Dify sent no link to the file.');
  if (isWebAddress(url)) return { kind: 'external' };
  return unavailable('The link to the file leads neither to Dify nor to a web address.');
}

/** Dify does not accept the signature, or (uploads only) the file is gone. */
interface Refused {
  readonly kind: 'refused';
}

async function readFile(answer: DifyAnswer, maxBytes: number): Promise<FetchedFile | Refused> {
  const { status } = answer;
  // Dify marks every answer with its version; a page without it comes from the web app or a proxy.
  if (status !== 200 || (isWebPage(answer) && answer.version === undefined)) {
    await answer.discard();
    return readRefusal(answer);
  }
  const mimeType = header(answer, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  const declared = Number(header(answer, 'content-length') ?? Number.NaN);
  if (declared > maxBytes) {
    await answer.discard();
    return tooLarge(declared, mimeType);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > maxBytes) return tooLarge(undefined, mimeType);
    chunks.push(chunk);
  }
  return { kind: 'bytes', bytes: Buffer.concat(chunks, size), ...(mimeType !== undefined && { mimeType }) };
}

function readRefusal({ status, path, version }: DifyAnswer): Unavailable | Refused {
  if (status === 403) return { kind: 'refused' };
  // Uploads are answered 404 for both reasons; a 404 from elsewhere has no version.
  if (status === 404 && path.endsWith('/file-preview') && version !== undefined) return { kind: 'refused' };
  if (status === 404 || status === 415) return unavailable('Dify no longer has the file.');
  if (status === 200)
    return unavailable('A web page came instead of the file: DIFY_API_URL does not lead to Dify.');
  return unavailable(`Dify answered the request for the file with status ${status}.`);
}

function refusedSignature({ kind }: FileLink): Unavailable {
  const cause = "DIFY_SECRET_KEY is not Dify's SECRET_KEY, or the clocks differ";
  return unavailable(
    kind === 'upload'
      ? `Dify refuses the signature (${cause}), or it no longer has the file.`
      : `Dify refuses the signature: ${cause}.`,
  );
}

function tooLarge(size: number | undefined, mimeType: string | undefined): FetchedFile {
  return {
    kind: 'too-large',
    ...(size !== undefined && { size }),
    ...(mimeType !== undefined && { mimeType }),
  };
}

function unavailable(reason: string): Unavailable {
  return { kind: 'unavailable', reason };
}

import { BridgeError } from '../../model/errors.ts';
import type { FileReference } from '../../model/message.ts';
import type { FileOpener, OpenedFile } from '../../model/ports.ts';
import { createDownloadRequest, GONE } from './download-request.ts';
import { type FileLink, isWebAddress, parseFileLink } from './links.ts';
import type { DifyAnswer, DifyHttp } from '../wire/http.ts';
import { endedWithoutAnswer } from '../wire/network-errors.ts';
import { header, isWebPage } from '../wire/reply.ts';
import { signFileQuery } from './signature.ts';

/** How the opener requests files. */
export interface FileOpenerOptions {
  readonly innerApiKey: string;
  readonly tenantId: string;
  /** Dify's SECRET_KEY, for signing links. */
  readonly secretKey?: string | undefined;
  /** Returns milliseconds since 1970; the system clock when absent. */
  readonly now?: (() => number) | undefined;
}

type Unavailable = Extract<OpenedFile, { kind: 'unavailable' }>;

/** Dify does not accept the signature, or (uploads only) has deleted the file. */
interface Refused {
  readonly kind: 'refused';
}

/** The outcome of one way to a file. After `refused`, the opener tries the next way. */
type Attempt = OpenedFile | { readonly kind: 'refused'; readonly reason: string };

/** A file of any size may take long as long as bytes keep arriving. */
const SILENCE_MS = 60_000;
const HUNG_UP = 'Dify closed the connection instead of sending the file: its storage may no longer have it.';
const SET_KEY = 'set DIFY_SECRET_KEY to the SECRET_KEY of Dify so that the bridge can sign links itself.';

/**
 * Returns an opener for the files that messages point at. It uses the bridge's own address of Dify,
 * because the host in a link is Dify's view of itself and often unreachable from here.
 *
 * It tries three ways once each: the link as Dify signed it; a link that the bridge signs, if it has the
 * key; an address that Dify 1.15.0 and later give for the inner API key. If all fail, the result names
 * every reason.
 */
export function createFileOpener(http: DifyHttp, options: FileOpenerOptions): FileOpener {
  const { secretKey, now = Date.now } = options;
  const requestDownload = createDownloadRequest(http, options);

  const open = async (path: string, signal: AbortSignal): Promise<OpenedFile | Refused> =>
    readAnswer(await http.send({ method: 'GET', path, signal, silenceMs: SILENCE_MS }));

  async function bySignatureOfDify({ path, query }: FileLink, signal: AbortSignal): Promise<Attempt> {
    const opened = await open(path + query, signal);
    return opened.kind === 'refused'
      ? { kind: 'refused', reason: 'Dify no longer accepts its link to the file.' }
      : opened;
  }

  async function byOwnSignature(link: FileLink, key: string, signal: AbortSignal): Promise<Attempt> {
    const timestamp = Math.floor(now() / 1000);
    const opened = await open(link.path + signFileQuery({ id: link.id, secretKey: key, timestamp }), signal);
    return opened.kind === 'refused' ? { kind: 'refused', reason: refusedSignature(link) } : opened;
  }

  async function byRequest(link: FileLink, signal: AbortSignal): Promise<Attempt> {
    const address = await requestDownload(link, signal);
    if (address.kind === 'refused' || address.kind === 'unavailable') return address;
    if (address.kind === 'unsupported') {
      return { kind: 'refused', reason: 'This Dify gives no addresses of files (1.15 and later do).' };
    }
    const opened = await open(address.path, signal);
    return opened.kind === 'refused'
      ? { kind: 'refused', reason: 'Dify refuses the address that it gave for the file.' }
      : opened;
  }

  async function tryEachWay(link: FileLink, signal: AbortSignal): Promise<OpenedFile> {
    const reasons: string[] = [];
    const ways = [
      ...(link.signed ? [() => bySignatureOfDify(link, signal)] : []),
      ...(secretKey === undefined ? [] : [() => byOwnSignature(link, secretKey, signal)]),
      () => byRequest(link, signal),
    ];
    if (!link.signed && secretKey === undefined) reasons.push("Dify's link to the file is not signed.");
    for (const way of ways) {
      const attempt = await way();
      if (attempt.kind !== 'refused') return attempt;
      reasons.push(attempt.reason);
    }
    if (secretKey === undefined) reasons.push(`To get the file, ${SET_KEY}`);
    return unavailable(reasons.join(' '));
  }

  return {
    async open(file, signal) {
      const link = linkOf(file);
      if (link === undefined) return withoutLink(file);
      try {
        return await tryEachWay(link, signal);
      } catch (error) {
        if (signal.aborted || !(error instanceof BridgeError)) throw error;
        // If its storage has lost the bytes of a known file, Dify closes the connection like this.
        if (endedWithoutAnswer(error)) return unavailable(HUNG_UP);
        return unavailable(error.message);
      }
    },
  };
}

/**
 * Returns the link in the reference, or the one that its id implies: Dify sends some files without a
 * link.
 */
function linkOf({ url, id, transferMethod }: FileReference): FileLink | undefined {
  const link = url === undefined ? undefined : parseFileLink(url);
  if (link !== undefined || id === undefined) return link;
  if (transferMethod === 'tool_file') return parseFileLink(`/files/tools/${id}`);
  if (transferMethod === 'local_file') return parseFileLink(`/files/${id}/file-preview`);
  return undefined;
}

function withoutLink({ url }: FileReference): OpenedFile {
  if (url === undefined) return unavailable('Dify sent no link to the file.');
  if (isWebAddress(url)) return { kind: 'external' };
  return unavailable('The link to the file points neither to Dify nor to a web address.');
}

async function readAnswer(answer: DifyAnswer): Promise<OpenedFile | Refused> {
  const { status } = answer;
  // Dify puts its version on every answer; a page without it comes from the web app or a proxy.
  if (status !== 200 || (isWebPage(answer) && answer.version === undefined)) {
    await answer.discard();
    return readRefusal(answer);
  }
  const mimeType = header(answer, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  const size = Number(header(answer, 'content-length') ?? Number.NaN);
  return {
    kind: 'open',
    body: answer.body,
    mimeType: mimeType === '' ? undefined : mimeType,
    size: Number.isSafeInteger(size) && size >= 0 ? size : undefined,
    discard: () => answer.discard(),
  };
}

function readRefusal({ status, path, version }: DifyAnswer): Unavailable | Refused {
  if (status === 403) return { kind: 'refused' };
  // Dify answers 404 for uploads in both cases; a 404 from another server has no version.
  if (status === 404 && path.endsWith('/file-preview') && version !== undefined) return { kind: 'refused' };
  if (status === 404 || status === 415) return unavailable(GONE);
  if (status === 200)
    return unavailable('A web page came instead of the file: DIFY_API_URL does not lead to Dify.');
  return unavailable(`Dify answered the request for the file with status ${status}.`);
}

function refusedSignature({ kind }: FileLink): string {
  const cause = "DIFY_SECRET_KEY is not Dify's SECRET_KEY, or the clocks differ";
  return kind === 'upload'
    ? `Dify refuses the signature (${cause}), or it no longer has the file.`
    : `Dify refuses the signature: ${cause}.`;
}

function unavailable(reason: string): Unavailable {
  return { kind: 'unavailable', reason };
}

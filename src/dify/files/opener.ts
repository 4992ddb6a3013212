import { BridgeError } from '../../model/errors.ts';
import { textOf } from '../../model/json.ts';
import type { FileReference } from '../../model/message.ts';
import type { FileOpener, OpenedFile } from '../../model/ports.ts';
import { createDownloadRequest, GONE, type InnerAccess, type RequestDownload } from './download-request.ts';
import { type FileLink, isWebAddress, parseFileLink } from './links.ts';
import type { DifyAnswer } from '../wire/answer.ts';
import type { DifyHttp } from '../wire/http.ts';
import { endedWithoutAnswer } from '../wire/network-errors.ts';
import { header, isWebPage } from '../wire/reply.ts';
import { signFileQuery } from './signature.ts';

/** Without access to the inner API and without the secret key, only links that Dify signed can be opened. */
export interface FileOpenerOptions extends Partial<InnerAccess> {
  /** Dify's SECRET_KEY, for signing links. */
  readonly secretKey?: string | undefined;
  /** Returns milliseconds since 1970; the system clock when absent. */
  readonly now?: (() => number) | undefined;
}

/** The outcome of one way to a file. After `refused`, the opener tries the next way. */
type Attempt = OpenedFile | { readonly kind: 'refused'; readonly reason: string };

/** A file of any size may take long as long as bytes keep arriving. */
const SILENCE_MS = 60_000;
const HUNG_UP = 'Dify closed the connection instead of sending the file: its storage may no longer have it.';
const SET_KEY =
  'Tell the user that the operator of the bridge can set DIFY_SECRET_KEY to the SECRET_KEY of Dify to get it.';

/**
 * Returns an opener for the files that messages point at. It uses the bridge's own address of Dify, because the host in
 * a link is Dify's view of itself and often unreachable from here.
 *
 * It tries three ways once each: the link as Dify signed it; a link that the bridge signs, if it has the key; an address
 * that Dify 1.15.0 and later give for the inner API key. If all fail, the result names every reason. A link that the
 * tool wrote gets only the first: it may come from a page that the tool read, and must not open more than it does.
 */
export function createFileOpener(http: DifyHttp, options: FileOpenerOptions): FileOpener {
  const { innerApiKey, tenantId, secretKey, now = Date.now } = options;
  const requestDownload =
    innerApiKey === undefined || tenantId === undefined
      ? undefined
      : createDownloadRequest(http, { innerApiKey, tenantId });

  /** `refusal` is the reason if Dify does not accept the signature, or (uploads only) has deleted the file. */
  async function open(path: string, signal: AbortSignal, refusal: string): Promise<Attempt> {
    return readAnswer(await http.send({ method: 'GET', path, signal, silenceMs: SILENCE_MS }), refusal);
  }

  function byOwnSignature(link: FileLink, key: string, signal: AbortSignal): Promise<Attempt> {
    const timestamp = Math.floor(now() / 1000);
    const query = signFileQuery(link.id, key, timestamp);
    return open(link.path + query, signal, refusedSignature(link));
  }

  async function byRequest(link: FileLink, request: RequestDownload, signal: AbortSignal): Promise<Attempt> {
    const address = await request(link, signal);
    if (address.kind === 'unsupported') {
      return { kind: 'refused', reason: 'This Dify gives no addresses of files (1.15 and later do).' };
    }
    if (address.kind !== 'address') return address;
    return open(address.path, signal, 'Dify refuses the address that it gave for the file.');
  }

  async function tryEachWay(link: FileLink, isLink: boolean, signal: AbortSignal): Promise<OpenedFile> {
    const reasons: string[] = [];
    const { path, query, signed } = link;
    const asSigned = (): Promise<Attempt> =>
      open(path + query, signal, 'Dify no longer accepts its link to the file.');
    if (isLink) {
      const attempt = await asSigned();
      return attempt.kind === 'refused' ? unavailable(attempt.reason) : attempt;
    }
    const ways = [
      ...(signed ? [asSigned] : []),
      ...(secretKey === undefined ? [] : [() => byOwnSignature(link, secretKey, signal)]),
      ...(requestDownload === undefined ? [] : [() => byRequest(link, requestDownload, signal)]),
    ];
    if (!link.signed && secretKey === undefined) reasons.push("Dify's link to the file is not signed.");
    for (const way of ways) {
      const attempt = await way();
      if (attempt.kind !== 'refused') return attempt;
      reasons.push(attempt.reason);
    }
    if (requestDownload !== undefined && secretKey === undefined) reasons.push(SET_KEY);
    return unavailable(reasons.join(' '));
  }

  return {
    isSignedLink: (text) => text.includes('/files/') && parseFileLink(text.trim())?.signed === true,

    async open(file, signal) {
      const link = linkOf(file);
      if (link === undefined) return withoutLink(file);
      try {
        return await tryEachWay(link, file.isLink === true, signal);
      } catch (error) {
        if (signal.aborted || !(error instanceof BridgeError)) throw error;
        // If its storage has lost the bytes of a known file, Dify closes the connection like this.
        if (endedWithoutAnswer(error)) return unavailable(HUNG_UP);
        return unavailable(error.message);
      }
    },
  };
}

/** Returns the link in the reference, or the one that its id implies: Dify sends some files without a link. */
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

async function readAnswer(answer: DifyAnswer, refusal: string): Promise<Attempt> {
  // Dify puts its version on every answer; a page without it comes from the web app or a proxy.
  if (answer.status !== 200 || (isWebPage(answer) && answer.version === undefined)) {
    await answer.discard();
    return readRefusal(answer, refusal);
  }
  const mimeType = header(answer, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  const size = Number(header(answer, 'content-length') ?? Number.NaN);
  return {
    kind: 'open',
    body: answer.body,
    mimeType: textOf(mimeType),
    size: Number.isSafeInteger(size) && size >= 0 ? size : undefined,
    discard: () => answer.discard(),
  };
}

function readRefusal({ status, path, version }: DifyAnswer, refusal: string): Attempt {
  // Dify answers 404 for uploads in both cases; a 404 from another server has no version.
  const isLostUpload = status === 404 && path.endsWith('/file-preview') && version !== undefined;
  if (status === 403 || isLostUpload) return { kind: 'refused', reason: refusal };
  if (status === 404 || status === 415) return unavailable(GONE);
  if (status === 200) {
    return unavailable(
      'A web page came instead of the file: the address does not lead to the files of Dify.',
    );
  }
  return unavailable(`Dify answered the request for the file with status ${status}.`);
}

function refusedSignature({ kind }: FileLink): string {
  const cause = "DIFY_SECRET_KEY is not Dify's SECRET_KEY, or the clocks differ";
  return kind === 'upload'
    ? `Dify refuses the signature (${cause}), or it no longer has the file.`
    : `Dify refuses the signature: ${cause}.`;
}

function unavailable(reason: string): OpenedFile {
  return { kind: 'unavailable', reason };
}

import { isJsonObject, objectOf, textOf } from '../../model/json.ts';
import { type FileLink, ownPath } from './links.ts';
import type { DifyHttp } from '../wire/http.ts';
import { quoted } from '../wire/plain-words.ts';

export type DownloadAddress =
  /** Path and query, for our own base URL: the address names the host as Dify sees itself. */
  | { readonly kind: 'address'; readonly path: string }
  | { readonly kind: 'unsupported' }
  /** Dify looked for the file and does not have it. */
  | { readonly kind: 'unavailable'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

export const GONE = 'Dify no longer has the file.';

/** Asks Dify for the address of a file. Rejects as `DifyHttp.send` does. */
export type RequestDownload = (link: FileLink, signal: AbortSignal) => Promise<DownloadAddress>;

/** The key of Dify's inner API, and the workspace that requests are for. */
export interface InnerAccess {
  readonly innerApiKey: string;
  readonly tenantId: string;
}

const PATH = '/inner/api/download/file/request';
const TIMEOUT_MS = 30_000;
const UNSUPPORTED: DownloadAddress = { kind: 'unsupported' };
const MAX_QUOTE = 300;

/**
 * Returns a client of the route that gives a signed address for the inner API key alone (Dify 1.15.0 and later). The
 * first file shows whether this Dify has the route; until then files are requested one at a time. Any other failure
 * says nothing about the route.
 */
export function createDownloadRequest(http: DifyHttp, options: InnerAccess): RequestDownload {
  let isSupported: boolean | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const ask = async (link: FileLink, signal: AbortSignal): Promise<DownloadAddress> => {
    const address = await requestAddress(http, options, link, signal);
    if (address.kind === 'unsupported') isSupported ??= false;
    else if (address.kind !== 'refused') isSupported = true;
    return address;
  };

  const askIfSupported = (link: FileLink, signal: AbortSignal): Promise<DownloadAddress> =>
    isSupported === false ? Promise.resolve(UNSUPPORTED) : ask(link, signal);

  return (link, signal) => {
    if (isSupported !== undefined) return askIfSupported(link, signal);
    const next = last.then(() => askIfSupported(link, signal));
    last = next.catch(() => undefined);
    return next;
  };
}

async function requestAddress(
  http: DifyHttp,
  { innerApiKey, tenantId }: InnerAccess,
  link: FileLink,
  signal: AbortSignal,
): Promise<DownloadAddress> {
  const answer = await http.send({
    method: 'POST',
    path: PATH,
    headers: { 'x-inner-api-key': innerApiKey },
    body: {
      tenant_id: tenantId,
      // Dify checks only the workspace of an account; an end user would have to own the file.
      user_id: '',
      user_from: 'account',
      invoke_from: 'service-api',
      file: {
        transfer_method: link.kind === 'tool' ? 'tool_file' : 'local_file',
        reference: referenceOf(link.id),
      },
      for_external: false,
    },
    signal,
    timeoutMs: TIMEOUT_MS,
  });
  const { status } = answer;
  const body = await answer.json();
  if (status === 404 && isMissingRoute(body, answer.version)) return UNSUPPORTED;
  if (status !== 200) {
    const said = textOf(objectOf(body)['message']) ?? '';
    // Only the id in the text is reliable: a request that Dify rejects as invalid has the same status and code.
    if (status === 400 && said.includes(link.id)) return { kind: 'unavailable', reason: GONE };
    const quote = said === '' ? '' : ` Dify said: "${quoted(answer, said, MAX_QUOTE)}".`;
    return { kind: 'refused', reason: `Dify gives no address for the file (status ${status}).${quote}` };
  }
  const url = textOf(objectOf(objectOf(body)['data'])['download_url']);
  const path = url === undefined ? undefined : ownPath(url);
  if (path?.startsWith('/files/')) return { kind: 'address', path };
  return { kind: 'refused', reason: 'Dify gives no address for the file.' };
}

/** Returns Dify's canonical name of a stored file: Dify expects the padding of the Base64. */
function referenceOf(id: string): string {
  const json = JSON.stringify({ record_id: id });
  const base64 = Buffer.from(json).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
  return `dify-file-ref:${base64}`;
}

/** Returns true for Dify's answer to an unknown route, JSON or a page, as opposed to an unknown file. */
function isMissingRoute(body: unknown, version: string | undefined): boolean {
  if (!isJsonObject(body)) return version !== undefined;
  const { code, message } = body;
  return code === 'not_found' && typeof message === 'string' && message.includes('requested URL');
}
